//! Orders that do not exist although inventory or payments report about them.
//!
//! The item of an order is written before its events are published, and reads are strongly consistent. So a report about an order without an
//! item follows from an event that no part of the system published: a client of the broker forged it, or it belongs to a table that
//! is gone. Units that are reserved and money that is charged for such an order are given back: `order.unknown` asks for it, as `order.rejected`
//! does for an order that exists. The report is retried until both have answered, and each retry asks again.

use std::collections::HashMap;

use orderflow_bugs::is_planted;
use orderflow_domain::{
    Event, EventData, EventType, Fact, Money, OrderId, OrderUnknown, PaymentOutcome, Timestamp,
};
use orderflow_messaging::{Delivery, Outcome};
use orderflow_store::{Emission, ImageError, Outbox, Store, Table, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::table::ORDERS;

/// What inventory and payments have answered about an order that does not exist. An item of the table `orders` under `unknown#<order id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownOrder {
    id: String,
    order_id: OrderId,
    total: Money,
    inventory_answered: bool,
    payment_answered: bool,
    resends: u32,
    created_at: Timestamp,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

/// The orders of one store that do not exist.
#[derive(Debug, Clone)]
pub(crate) struct UnknownOrders {
    store: Store,
    table: Table,
}

/// What reports about an order that does not exist call for.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// Write nothing.
    Finish(Outcome),
    /// Write this item, and give the reports this outcome.
    Write { item: UnknownOrder, outbox: Outbox, outcome: Outcome },
}

impl UnknownOrders {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ORDERS) }
    }

    /// Asks inventory and payments to undo what they report about orders that do not exist. Returns the outcome of the reports about each.
    pub(crate) async fn undo(&self, reports: &[(OrderId, &[(Fact, &Delivery)])]) -> Vec<Outcome> {
        let keys = reports.iter().map(|(order_id, _)| self.table.key(key(*order_id))).collect();
        let found: Vec<UnknownOrder> = match self.table.get_all(keys).await {
            Ok(found) => found,
            Err(error) => return vec![Outcome::retry(error); reports.len()],
        };
        let found: HashMap<OrderId, UnknownOrder> =
            found.into_iter().map(|item| (item.order_id, item)).collect();
        let (mut outcomes, now) = (Vec::with_capacity(reports.len()), Timestamp::now());
        for (order_id, facts) in reports {
            outcomes.push(self.follow(plan(*order_id, found.get(order_id), facts, now)).await);
        }
        outcomes
    }

    async fn follow(&self, plan: Plan) -> Outcome {
        let (item, outbox, outcome) = match plan {
            Plan::Finish(outcome) => return outcome,
            Plan::Write { item, outbox, outcome } => (item, outbox, outcome),
        };
        match self.write(&item, &outbox).await {
            Ok(()) => {
                report(&item);
                outcome
            }
            Err(WriteError::ConditionFailed(_)) => Outcome::retry("another writer recorded a report"),
            Err(WriteError::Store(error)) => Outcome::retry(error),
        }
    }

    async fn write(&self, item: &UnknownOrder, outbox: &Outbox) -> Result<(), WriteError> {
        let put = Write::put(&self.table, item)?;
        let put = match item.version {
            1 => put.if_absent(),
            version => put.if_version(version - 1),
        };
        self.store.write(put.emitting(outbox)).await
    }
}

impl UnknownOrder {
    fn new(order_id: OrderId, total: Money, traceparent: Option<String>, now: Timestamp) -> Self {
        Self {
            id: key(order_id),
            order_id,
            total,
            inventory_answered: false,
            payment_answered: false,
            resends: 0,
            created_at: now,
            version: 0,
            traceparent,
        }
    }

    fn is_undone(&self) -> bool {
        self.inventory_answered && self.payment_answered
    }

    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Released | Fact::NotReserved(_) => self.inventory_answered = true,
            Fact::Uncharged | Fact::Declined => self.payment_answered = true,
            Fact::Reserved | Fact::Paid | Fact::Cancelled(_) => {}
        }
    }
}

fn key(order_id: OrderId) -> String {
    format!("unknown#{order_id}")
}

fn plan(
    order_id: OrderId,
    found: Option<&UnknownOrder>,
    facts: &[(Fact, &Delivery)],
    now: Timestamp,
) -> Plan {
    if found.is_some_and(UnknownOrder::is_undone) || is_planted("unknown-order-not-undone") {
        return Plan::Finish(Outcome::Done);
    }
    let done = facts.iter().find_map(|(_, delivery)| amount(&delivery.event));
    let mut item = match (found, &done) {
        (Some(found), _) => found.clone(),
        (None, Some(total)) => {
            let traceparent = facts.iter().find_map(|(_, delivery)| delivery.event.traceparent.clone());
            UnknownOrder::new(order_id, total.clone(), traceparent, now)
        }
        // There is nothing to undo. The report becomes a dead letter when its attempts are over.
        (None, None) => return Plan::Finish(Outcome::retry("the order does not exist")),
    };
    facts.iter().for_each(|(fact, _)| item.apply(*fact));
    let asks = done.is_some() && !item.is_undone();
    let outbox = match found {
        _ if !asks => Outbox::default(),
        None => Outbox::of(EventType::OrderUnknown),
        Some(_) => {
            item.resends += 1;
            Outbox::of(Emission { event_type: EventType::OrderUnknown, resend: Some(item.resends) })
        }
    };
    if found == Some(&item) {
        return Plan::Finish(Outcome::Done);
    }
    item.version += 1;
    let outcome = if asks {
        Outcome::retry("the order does not exist; what was done for it is being undone")
    } else {
        Outcome::Done
    };
    Plan::Write { item, outbox, outcome }
}

/// Returns the amount of a reservation or a charge, which has to be undone.
fn amount(event: &Event) -> Option<Money> {
    match &event.data {
        EventData::InventoryReserved(data) => Some(data.total.clone()),
        EventData::PaymentCompleted(PaymentOutcome { amount, currency, .. }) => {
            Some(Money { amount: *amount, currency: currency.clone() })
        }
        _ => None,
    }
}

fn report(item: &UnknownOrder) {
    let UnknownOrder { order_id, resends, traceparent, .. } = item;
    let trace_id = traceparent.as_deref().and_then(orderflow_domain::trace_id);
    if item.version == 1 {
        tracing::warn!(
            order.id = %order_id,
            trace.id = trace_id,
            "order does not exist; its reservation and its charge are undone"
        );
    } else if item.is_undone() {
        tracing::info!(order.id = %order_id, trace.id = trace_id, resends, "reservation and charge of an order that does not exist are undone");
    }
}

/// Builds `order.unknown` for the relay.
pub(crate) fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    let item: UnknownOrder =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    let data = EventData::OrderUnknown(OrderUnknown { order_id: item.order_id, total: item.total });
    Ok(match emission.resend {
        None => Event::new(data, "", item.created_at, item.traceparent),
        Some(resend) => Event::resent(data, resend, item.created_at, item.traceparent),
    })
}

#[cfg(test)]
#[path = "unknown_tests.rs"]
mod tests;
