//! The state machine of an order.
//!
//! ```text
//! pending   -> reserved                units are reserved
//! pending   -> confirmed, rejected, cancelled
//! reserved  -> confirmed, rejected, cancelled
//!
//! confirmed    the payment is captured; settled at once
//! rejected     out_of_stock, unknown_product or payment_declined
//! cancelled    by the customer, or expired
//!              rejected and cancelled orders are settled when inventory and payments have both answered
//! ```
//!
//! Facts arrive repeatedly, late and in any order. [`OrderState::apply`] is total: it accepts every fact in every state, and a final status
//! never changes.

use crate::event::EventType;
use crate::order_status::{CancellationReason, OrderStatus, RejectionReason};

impl OrderStatus {
    /// Returns the event that announces a final status.
    pub fn ending(self) -> Option<EventType> {
        match self {
            Self::Pending | Self::Reserved => None,
            Self::Confirmed => Some(EventType::OrderConfirmed),
            Self::Rejected(_) => Some(EventType::OrderRejected),
            Self::Cancelled(_) => Some(EventType::OrderCancelled),
        }
    }
}

/// A fact about an order that another service or the customer reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// Inventory has reserved its units.
    Reserved,
    /// Inventory cannot reserve its units, and never will.
    NotReserved(RejectionReason),
    /// Inventory has released its units, or had reserved none.
    Released,
    /// Its payment is captured.
    Paid,
    /// The payment provider declined its payment: it is not charged, and will not be.
    Declined,
    /// Its payment is voided, refunded, or was never made.
    Uncharged,
    /// The customer or `order-expiry` cancels it.
    Cancelled(CancellationReason),
}

/// The effect of a fact on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The state is the same: the fact was known, or the order is past it.
    Unchanged,
    /// The state changed, and there is no event to emit.
    Moved,
    /// The status became final, and this event announces it.
    Ended(EventType),
    /// This event must be emitted again, with the new [`OrderState::resends`]: another service acts as if it had not received it.
    Resend(EventType),
}

/// The status of an order, and for a rejected or cancelled order the answers that it waits for until it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// The status.
    pub status: OrderStatus,
    /// Whether inventory has answered that no units are reserved (rejected and cancelled orders).
    pub inventory_answered: bool,
    /// Whether payments has answered that the order is not charged (rejected and cancelled orders).
    pub payment_answered: bool,
    /// How often an event of the order was resent.
    pub resends: u32,
}

impl OrderState {
    /// The state of a new order.
    pub const PLACED: Self =
        Self { status: OrderStatus::Pending, inventory_answered: false, payment_answered: false, resends: 0 };

    /// Returns whether the order is settled: confirmed, or refused with its reservation and its payment undone.
    pub fn is_settled(&self) -> bool {
        match self.status {
            OrderStatus::Pending | OrderStatus::Reserved => false,
            OrderStatus::Confirmed => true,
            OrderStatus::Rejected(_) | OrderStatus::Cancelled(_) => {
                self.inventory_answered && self.payment_answered
            }
        }
    }

    /// Applies a fact.
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
            // The order is not refused, so that no service releases its units or voids its payment.
            Fact::Reserved | Fact::Released | Fact::Uncharged => Step::Unchanged,
        }
    }

    fn apply_refused(&mut self, fact: Fact) -> Step {
        match fact {
            Fact::Released | Fact::NotReserved(_) => Self::answer(&mut self.inventory_answered),
            Fact::Uncharged | Fact::Declined => Self::answer(&mut self.payment_answered),
            Fact::Reserved | Fact::Paid => self.resend(),
            Fact::Cancelled(_) => Step::Unchanged,
        }
    }

    /// Resends the event that the order waits for an answer to: `order.placed`, or the event of its refusal. Changes nothing when the order is
    /// settled.
    pub fn resend(&mut self) -> Step {
        if self.is_settled() {
            return Step::Unchanged;
        }
        self.resends += 1;
        // `order.placed` restarts the whole chain: a service that has already done its part answers a resent event again, which reaches the
        // service after it.
        Step::Resend(self.status.ending().unwrap_or(EventType::OrderPlaced))
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
#[path = "order_state_tests.rs"]
mod tests;
