//! What a batch requests of the payment of each order.

use orderflow_domain::{
    Email, EventData, InventoryReserved, Money, OrderEnded, OrderId, OrderUnknown, PaymentToken, Phone,
};
use orderflow_messaging::Delivery;

/// The reason of a reversal for an order that does not exist.
const UNKNOWN_ORDER: &str = "unknown_order";

/// What the deliveries of one order request together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentRequest {
    pub order_id: OrderId,
    pub total: Money,
    pub action: RequestedAction,
    /// The number of the resend, starting at 1, if the resulting event is to be published again.
    pub resend: Option<u32>,
    /// The attempt number, starting at 1; the lowest of several deliveries.
    pub attempt: u32,
    /// Whether a failure dead-letters the delivery that requests the action.
    pub last_attempt: bool,
    pub traceparent: Option<String>,
}

/// The action that is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestedAction {
    /// Charge the order, with this token.
    Charge(Option<PaymentToken>),
    /// Make sure that the refused order is not charged.
    Reverse(Refusal),
}

/// Why an order was rejected or cancelled, and whom to notify of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub reason: Option<String>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
}

impl PaymentRequest {
    /// Returns what a delivery requests, with the order's id; `None` for events that do not concern payments.
    pub(crate) fn of(delivery: &Delivery) -> Option<(OrderId, Self)> {
        let request = match &delivery.event.data {
            EventData::InventoryReserved(data) => Self::charge(data),
            EventData::OrderRejected(data) | EventData::OrderCancelled(data) => Self::reverse(data),
            EventData::OrderUnknown(data) => Self::reverse_unknown(data),
            _ => return None,
        };
        let request = Self {
            resend: delivery.event.resend,
            attempt: delivery.attempt,
            last_attempt: delivery.last_attempt,
            traceparent: delivery.event.traceparent.clone(),
            ..request
        };
        Some((request.order_id, request))
    }

    fn charge(data: &InventoryReserved) -> Self {
        let action = RequestedAction::Charge(data.payment_token.clone());
        Self::new(data.order_id, &data.total, action)
    }

    fn reverse(data: &OrderEnded) -> Self {
        let refusal = Refusal {
            reason: data.reason.clone(),
            email: Some(data.email.clone()),
            phone: data.phone.clone(),
        };
        Self::new(data.order_id, &data.total, RequestedAction::Reverse(refusal))
    }

    /// Reverses a charge for an order that does not exist. There is no customer to notify.
    fn reverse_unknown(data: &OrderUnknown) -> Self {
        let refusal = Refusal { reason: Some(UNKNOWN_ORDER.to_owned()), email: None, phone: None };
        Self::new(data.order_id, &data.total, RequestedAction::Reverse(refusal))
    }

    fn new(order_id: OrderId, total: &Money, action: RequestedAction) -> Self {
        Self {
            order_id,
            total: total.clone(),
            action,
            resend: None,
            attempt: 1,
            last_attempt: false,
            traceparent: None,
        }
    }

    /// Merges the request of another delivery of the same order. A reversal takes precedence over a charge.
    pub(crate) fn merge(&mut self, mut other: Self) {
        let resend = self.resend.max(other.resend);
        let attempt = self.attempt.min(other.attempt);
        if other.is_reversal() && !self.is_reversal() {
            std::mem::swap(self, &mut other);
        } else if other.is_reversal() == self.is_reversal() {
            self.last_attempt |= other.last_attempt;
        }
        self.resend = resend;
        self.attempt = attempt;
    }

    fn is_reversal(&self) -> bool {
        matches!(self.action, RequestedAction::Reverse(_))
    }

    /// Returns the id of the trace that the request belongs to.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        orderflow_domain::trace_id(self.traceparent.as_deref()?)
    }
}
