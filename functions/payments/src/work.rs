//! What a batch asks for, order by order.

use std::collections::HashMap;

use orderflow_domain::{Email, EventData, InventoryReserved, Money, OrderEnded, OrderId};
use orderflow_domain::{PaymentToken, Phone};
use orderflow_messaging::Delivery;

/// What the deliveries of one order ask for together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub order_id: OrderId,
    pub total: Money,
    pub ask: Ask,
    /// Set where the answer is wanted again: for the how manieth time.
    pub resend: Option<u32>,
    /// For the how manieth time it is asked for; the first time of all, where several ask.
    pub attempt: u32,
    /// Whether what asks for it comes no more.
    pub last_attempt: bool,
    pub traceparent: Option<String>,
    /// Where its deliveries stand in the batch.
    pub positions: Vec<usize>,
}

/// What is to be done about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Take the money.
    Charge(Option<PaymentToken>),
    /// See to it that there is no charge.
    CallOff(Refusal),
}

/// An order that ended without being confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub reason: Option<String>,
    pub email: Email,
    pub phone: Option<Phone>,
}

impl Work {
    fn charge(data: &InventoryReserved) -> Self {
        let ask = Ask::Charge(data.payment_token.clone());
        Self::new(data.order_id, &data.total, ask)
    }

    fn call_off(data: &OrderEnded) -> Self {
        let refusal =
            Refusal { reason: data.reason.clone(), email: data.email.clone(), phone: data.phone.clone() };
        Self::new(data.order_id, &data.total, Ask::CallOff(refusal))
    }

    fn new(order_id: OrderId, total: &Money, ask: Ask) -> Self {
        Self {
            order_id,
            total: total.clone(),
            ask,
            resend: None,
            attempt: 1,
            last_attempt: false,
            traceparent: None,
            positions: Vec::new(),
        }
    }

    fn of(position: usize, delivery: &Delivery) -> Option<Self> {
        let work = match &delivery.event.data {
            EventData::InventoryReserved(data) => Self::charge(data),
            EventData::OrderRejected(data) | EventData::OrderCancelled(data) => Self::call_off(data),
            _ => return None,
        };
        Some(Self {
            resend: delivery.event.resend,
            attempt: delivery.attempt,
            last_attempt: delivery.last_attempt,
            traceparent: delivery.event.traceparent.clone(),
            positions: vec![position],
            ..work
        })
    }

    /// Takes in another delivery of the same order. A refusal outweighs what asks for a charge.
    fn merge(&mut self, mut other: Self) {
        let resend = self.resend.max(other.resend);
        let attempt = self.attempt.min(other.attempt);
        if other.is_refusal() && !self.is_refusal() {
            std::mem::swap(self, &mut other);
        } else if other.is_refusal() == self.is_refusal() {
            self.last_attempt |= other.last_attempt;
        }
        self.resend = resend;
        self.attempt = attempt;
        self.positions.append(&mut other.positions);
    }

    fn is_refusal(&self) -> bool {
        matches!(self.ask, Ask::CallOff(_))
    }

    /// The trace that it belongs to.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        orderflow_domain::trace_id(self.traceparent.as_deref()?)
    }
}

/// One piece of work for each order of a batch. Events that ask nothing of payment are left out.
pub(crate) fn fold(batch: &[Delivery]) -> Vec<Work> {
    let mut position_of: HashMap<OrderId, usize> = HashMap::new();
    let mut folded: Vec<Work> = Vec::with_capacity(batch.len());
    let works = batch.iter().enumerate();
    for work in works.filter_map(|(position, delivery)| Work::of(position, delivery)) {
        if let Some(position) = position_of.get(&work.order_id) {
            folded[*position].merge(work);
        } else {
            position_of.insert(work.order_id, folded.len());
            folded.push(work);
        }
    }
    folded
}
