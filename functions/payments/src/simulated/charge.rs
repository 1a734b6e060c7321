//! The simulated gateway's record of an order's charge.

use orderflow_domain::{Currency, Money, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::gateway::{Charge, Reversal};

/// The prefix that separates the keys of these records from those of payments, which are order ids. Stored keys contain it, so it cannot be
/// changed.
const KEY_PREFIX: &str = "ledger#";

/// The status of a charge at the simulated gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedChargeStatus {
    /// The money is captured. All other statuses mean that the order is not charged.
    Captured,
    /// The charge is declined.
    Declined,
    /// The order's payment was reversed before a charge arrived.
    #[serde(alias = "called_off")]
    Voided,
    /// The captured money is refunded.
    Refunded,
}

/// The simulated gateway's record of an order's charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedCharge {
    pub(crate) pk: String,
    /// The status of the charge.
    pub status: SimulatedChargeStatus,
    /// The amount of the first request, in minor units.
    pub amount: i64,
    /// The currency of the amount.
    pub currency: Currency,
    /// The gateway's id of the charge.
    pub provider_id: String,
    /// Why the charge was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the first request for the order arrived.
    pub created_at: Timestamp,
    /// When the status last changed.
    pub updated_at: Timestamp,
    pub(crate) version: u32,
}

impl SimulatedCharge {
    /// Creates the record for the first request of an order.
    pub(crate) fn new(order_id: OrderId, amount: &Money, status: SimulatedChargeStatus) -> Self {
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

    /// Returns the record with the money refunded.
    pub(crate) fn refunded(&self) -> Self {
        Self {
            status: SimulatedChargeStatus::Refunded,
            updated_at: Timestamp::now(),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Returns the answer to a request that charges the order or looks its charge up.
    pub(crate) fn charge(&self) -> Charge {
        match self.status {
            SimulatedChargeStatus::Captured => Charge::Captured { provider_id: self.provider_id.clone() },
            SimulatedChargeStatus::Declined => {
                Charge::Declined { reason: self.reason.clone().unwrap_or_default() }
            }
            SimulatedChargeStatus::Voided | SimulatedChargeStatus::Refunded => Charge::Reversed,
        }
    }

    /// Returns the answer to a reversal; `None` if captured money must be refunded first.
    pub(crate) fn reversal(&self) -> Option<Reversal> {
        match self.status {
            SimulatedChargeStatus::Captured => None,
            SimulatedChargeStatus::Declined | SimulatedChargeStatus::Voided => Some(Reversal::Voided),
            SimulatedChargeStatus::Refunded => {
                Some(Reversal::Refunded { provider_id: self.provider_id.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_under_its_former_name_is_read() {
        let status: SimulatedChargeStatus = serde_json::from_str(r#""called_off""#).unwrap();
        assert_eq!(status, SimulatedChargeStatus::Voided);
        assert_eq!(serde_json::to_string(&status).unwrap(), r#""voided""#);
    }
}
