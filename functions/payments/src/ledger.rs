//! What the simulated gateway remembers of an order.

use orderflow_domain::{Currency, Money, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::gateway::{Charge, Undone};

/// Keeps the ledger's keys apart from those of payments, which are orders' ids.
const KEY_PREFIX: &str = "ledger#";

/// Where an order's charge stands at the simulated gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerStatus {
    /// The money is taken: the only status with a net charge.
    Captured,
    /// It said no.
    Declined,
    /// The order was called off before it was charged.
    CalledOff,
    /// The money was taken and given back.
    Refunded,
}

/// An order's line in the ledger of the simulated gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub(crate) pk: String,
    /// Where the charge stands.
    pub status: LedgerStatus,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// Its currency.
    pub currency: Currency,
    /// The gateway's id of the charge.
    pub provider_id: String,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the order became known to the gateway.
    pub created_at: Timestamp,
    /// When the line last changed.
    pub updated_at: Timestamp,
    pub(crate) version: u32,
}

impl LedgerEntry {
    /// The line of an order that the gateway hears of for the first time.
    pub(crate) fn first(order_id: OrderId, amount: &Money, status: LedgerStatus) -> Self {
        let now = Timestamp::now();
        Self {
            pk: Self::key(order_id),
            status,
            amount: amount.amount,
            currency: amount.currency.clone(),
            provider_id: format!("sim_{}", order_id.as_uuid().simple()),
            reason: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    pub(crate) fn key(order_id: OrderId) -> String {
        format!("{KEY_PREFIX}{order_id}")
    }

    /// The same line with the money given back.
    pub(crate) fn refunded(&self) -> Self {
        Self {
            status: LedgerStatus::Refunded,
            updated_at: Timestamp::now(),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// How it answers whoever charges the order, or asks for its charge.
    pub(crate) fn charge(&self) -> Charge {
        match self.status {
            LedgerStatus::Captured => Charge::Captured { provider_id: self.provider_id.clone() },
            LedgerStatus::Declined => Charge::Declined { reason: self.reason.clone().unwrap_or_default() },
            LedgerStatus::CalledOff | LedgerStatus::Refunded => Charge::CalledOff,
        }
    }

    /// How it answers whoever undoes the charge; none where there is something to give back first.
    pub(crate) fn undone(&self) -> Option<Undone> {
        match self.status {
            LedgerStatus::Captured => None,
            LedgerStatus::Declined | LedgerStatus::CalledOff => Some(Undone::Voided),
            LedgerStatus::Refunded => Some(Undone::Refunded { provider_id: self.provider_id.clone() }),
        }
    }
}
