//! Where an order stands, and the only ways in which it may move.
//!
//! ```text
//! pending -> reserved -> confirmed
//!    |  \________|_________^  |
//!    |           |            settled at once
//!    +-----------+-> rejected (out_of_stock, unknown_product, payment_declined)
//!    +-----------+-> cancelled (customer, expired)
//!                      settled when inventory and payment have both answered
//! ```
//!
//! Facts come twice, late and in any order. [`OrderState::apply`] is total: every fact in every state has an answer,
//! and an order that ended stays as it ended.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventType;

/// Why an order was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// Fewer units were available than asked for.
    OutOfStock,
    /// Inventory never heard of a sku.
    UnknownProduct,
    /// The payment provider said no.
    PaymentDeclined,
}

impl RejectionReason {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownProduct => "unknown_product",
            Self::PaymentDeclined => "payment_declined",
        }
    }
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// The customer asked for it.
    Customer,
    /// It stayed open too long.
    Expired,
}

impl CancellationReason {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Expired => "expired",
        }
    }
}

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Accepted; nothing is decided.
    Pending,
    /// Its units are held.
    Reserved,
    /// Its units are held and it is paid. Final.
    Confirmed,
    /// Refused. Final.
    Rejected(RejectionReason),
    /// Called off. Final.
    Cancelled(CancellationReason),
}

/// A status and reason that belong to no [`OrderStatus`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no order status: {status} with reason {reason:?}")]
pub struct UnknownStatus {
    status: String,
    reason: Option<String>,
}

impl OrderStatus {
    /// The names of all statuses, in the order in which they can be reached.
    pub const NAMES: [&str; 5] = ["pending", "reserved", "confirmed", "rejected", "cancelled"];

    /// The status from its name and reason.
    ///
    /// # Errors
    /// [`UnknownStatus`] where there is no such status, or the reason does not belong to it.
    pub fn from_parts(status: &str, reason: Option<&str>) -> Result<Self, UnknownStatus> {
        use {CancellationReason as C, RejectionReason as R};
        [
            Self::Pending,
            Self::Reserved,
            Self::Confirmed,
            Self::Rejected(R::OutOfStock),
            Self::Rejected(R::UnknownProduct),
            Self::Rejected(R::PaymentDeclined),
            Self::Cancelled(C::Customer),
            Self::Cancelled(C::Expired),
        ]
        .into_iter()
        .find(|known| known.name() == status && known.reason() == reason)
        .ok_or_else(|| UnknownStatus { status: status.to_owned(), reason: reason.map(str::to_owned) })
    }

    /// The name, without the reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reserved => "reserved",
            Self::Confirmed => "confirmed",
            Self::Rejected(_) => "rejected",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Why it was refused; none for the other statuses.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Rejected(reason) => Some(reason.as_str()),
            Self::Cancelled(reason) => Some(reason.as_str()),
            _ => None,
        }
    }

    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }

    /// The event that tells of it, for the final ones.
    pub fn ending(self) -> Option<EventType> {
        match self {
            Self::Pending | Self::Reserved => None,
            Self::Confirmed => Some(EventType::OrderConfirmed),
            Self::Rejected(_) => Some(EventType::OrderRejected),
            Self::Cancelled(_) => Some(EventType::OrderCancelled),
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{} ({reason})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

/// Something that became true about an order elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// Inventory holds its units.
    Reserved,
    /// Inventory holds nothing and never will.
    NotReserved(RejectionReason),
    /// Inventory gave back what it held, or had nothing to give back.
    Released,
    /// It is paid.
    Paid,
    /// It was not and will not be charged: the provider said no.
    Declined,
    /// There is no charge: it was called off in time, given back, or never made.
    Uncharged,
    /// Somebody calls it off.
    Cancelled(CancellationReason),
}

/// What a fact did to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it was known, or comes too late to matter.
    Unchanged,
    /// The state moved and there is nothing to tell.
    Moved,
    /// The state moved and this event tells of it.
    Ended(EventType),
    /// This event has to be told again under the new [`OrderState::redrives`]: somebody acts as if he had not heard of it.
    Redriven(EventType),
}

/// Where an order stands, with what its settling still waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// The status.
    pub status: OrderStatus,
    /// Whether inventory has said that it holds nothing for it (refused orders).
    pub inventory_answered: bool,
    /// Whether payment has said that it is not charged (refused orders).
    pub payment_answered: bool,
    /// How often its last event was told again.
    pub redrives: u32,
}

impl OrderState {
    /// An order just placed.
    pub const PLACED: Self = Self {
        status: OrderStatus::Pending,
        inventory_answered: false,
        payment_answered: false,
        redrives: 0,
    };

    /// Whether nothing is left to do for it: confirmed, or refused with every reservation and charge undone.
    pub fn is_settled(&self) -> bool {
        match self.status {
            OrderStatus::Pending | OrderStatus::Reserved => false,
            OrderStatus::Confirmed => true,
            OrderStatus::Rejected(_) | OrderStatus::Cancelled(_) => {
                self.inventory_answered && self.payment_answered
            }
        }
    }

    /// Takes a fact in.
    pub fn apply(&mut self, fact: Fact) -> Step {
        match self.status {
            OrderStatus::Pending | OrderStatus::Reserved => self.apply_undecided(fact),
            OrderStatus::Confirmed => Step::Unchanged,
            OrderStatus::Rejected(_) | OrderStatus::Cancelled(_) => self.apply_refused(fact),
        }
    }

    fn apply_undecided(&mut self, fact: Fact) -> Step {
        match fact {
            Fact::Reserved if self.status == OrderStatus::Pending => {
                self.status = OrderStatus::Reserved;
                Step::Moved
            }
            Fact::Paid => self.end(OrderStatus::Confirmed),
            Fact::NotReserved(reason) => {
                self.inventory_answered = true;
                self.end(OrderStatus::Rejected(reason))
            }
            Fact::Declined => {
                self.payment_answered = true;
                self.end(OrderStatus::Rejected(RejectionReason::PaymentDeclined))
            }
            Fact::Cancelled(reason) => self.end(OrderStatus::Cancelled(reason)),
            // Answers to a refusal that never was: nothing in the system sends them.
            Fact::Reserved | Fact::Released | Fact::Uncharged => Step::Unchanged,
        }
    }

    fn apply_refused(&mut self, fact: Fact) -> Step {
        match fact {
            Fact::Released | Fact::NotReserved(_) => Self::answer(&mut self.inventory_answered),
            Fact::Uncharged | Fact::Declined => Self::answer(&mut self.payment_answered),
            Fact::Reserved | Fact::Paid => self.redrive(),
            Fact::Cancelled(_) => Step::Unchanged,
        }
    }

    /// Tells again what the order waits for an answer to: that it was placed, or how it was refused. Changes nothing where it is settled.
    pub fn redrive(&mut self) -> Step {
        if self.is_settled() {
            return Step::Unchanged;
        }
        self.redrives += 1;
        // The first event is enough for whatever was lost since: each who did his part answers again, and so wakes the next.
        Step::Redriven(self.status.ending().unwrap_or(EventType::OrderPlaced))
    }

    fn answer(answered: &mut bool) -> Step {
        if std::mem::replace(answered, true) { Step::Unchanged } else { Step::Moved }
    }

    fn end(&mut self, status: OrderStatus) -> Step {
        self.status = status;
        status.ending().map_or(Step::Moved, Step::Ended)
    }
}

#[cfg(test)]
#[path = "saga_tests.rs"]
mod tests;
