//! `order-tracker`: applies the reports of inventory and payments to orders.

use std::collections::HashMap;

use async_trait::async_trait;
use orderflow_bugs::is_planted;
use orderflow_domain::{Event, EventData, Fact, OrderId, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome, group_by_key};
use orderflow_store::{Store, WriteError, optimistic_attempts};

use crate::repository::Orders;
use crate::table::OrderRecord;
use crate::transition::{Change, Transition};
use crate::unknown::UnknownOrders;

/// The most attempts at orders that other writers change between the read and the write.
const ATTEMPTS_MAX: u32 = 6;

/// The consumer `order-tracker`.
pub struct OrderTracker {
    orders: Orders,
    unknown: UnknownOrders,
}

/// The reports of a batch about one order.
struct Reports<'a> {
    order_id: OrderId,
    facts: Vec<(Fact, &'a Delivery)>,
}

impl OrderTracker {
    /// Returns the consumer over this store.
    pub fn new(store: &Store) -> Self {
        Self { orders: Orders::new(store), unknown: UnknownOrders::new(store) }
    }

    /// Applies reports to their orders. Returns the outcome of each order.
    async fn apply(&self, mut reports: Vec<Reports<'_>>) -> HashMap<OrderId, Outcome> {
        let mut outcome_of = HashMap::with_capacity(reports.len());
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while !reports.is_empty() && attempts.next().await {
            let mut outcomes = self.try_once(&reports).await.into_iter();
            reports.retain(|report| match outcomes.next().flatten() {
                Some(outcome) => {
                    outcome_of.insert(report.order_id, outcome);
                    false
                }
                None => true,
            });
        }
        for report in reports {
            outcome_of.insert(report.order_id, Outcome::retry("other writers keep changing the order"));
        }
        outcome_of
    }

    /// Reads the orders, applies the reports and writes the orders that changed. Returns the outcome of each order, `None` for an order that
    /// another writer changed between the read and the write.
    async fn try_once(&self, reports: &[Reports<'_>]) -> Vec<Option<Outcome>> {
        let ids = reports.iter().map(|report| report.order_id);
        let found = match self.orders.get_all(ids).await {
            Ok(found) => found,
            Err(error) => return vec![Some(Outcome::retry(error)); reports.len()],
        };
        let order_of: HashMap<OrderId, OrderRecord> =
            found.into_iter().map(|order| (order.id, order)).collect();
        let now = Timestamp::now();
        let mut outcomes = vec![None; reports.len()];
        let (mut positions, mut transitions, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for (position, report) in reports.iter().enumerate() {
            let Some(order) = order_of.get(&report.order_id) else {
                unknown.push(position);
                continue;
            };
            let changes = report.facts.iter().map(|(fact, delivery)| Change::Reported(*fact, delivery));
            match Transition::of(order, changes, now) {
                Err(error) => outcomes[position] = Some(Outcome::retry(error)),
                Ok(None) => outcomes[position] = Some(Outcome::Done),
                Ok(Some(transition)) => {
                    positions.push(position);
                    transitions.push(transition);
                }
            }
        }
        for (position, outcome) in positions.into_iter().zip(self.write(&transitions).await) {
            outcomes[position] = outcome;
        }
        for (position, outcome) in unknown.iter().zip(self.undo(&unknown, reports).await) {
            outcomes[*position] = Some(outcome);
        }
        outcomes
    }

    /// Has undone what the reports at these positions say about orders that do not exist. Returns the outcome of each.
    async fn undo(&self, positions: &[usize], reports: &[Reports<'_>]) -> Vec<Outcome> {
        if positions.is_empty() {
            return Vec::new();
        }
        let reports =
            positions.iter().map(|position| (reports[*position].order_id, &reports[*position].facts[..]));
        self.unknown.undo(&reports.collect::<Vec<_>>()).await
    }

    async fn write(&self, transitions: &[Transition]) -> Vec<Option<Outcome>> {
        let results = self.orders.replace_each(transitions).await;
        let outcome = |(transition, result)| match result {
            Ok(()) => {
                log(transition);
                Some(Outcome::Done)
            }
            Err(_) if is_planted("report-acknowledged-before-store") => Some(Outcome::Done),
            Err(WriteError::ConditionFailed(_)) => None,
            Err(WriteError::Store(error)) => Some(Outcome::retry(error)),
        };
        transitions.iter().zip(results).map(outcome).collect()
    }
}

/// Returns what a delivery reports, with the order that it reports about.
fn report(delivery: &Delivery) -> Option<(OrderId, Reports<'_>)> {
    let (order_id, fact) = (delivery.event.order_id()?, fact(&delivery.event)?);
    Some((order_id, Reports { order_id, facts: vec![(fact, delivery)] }))
}

/// Returns the fact that an event reports about its order.
fn fact(event: &Event) -> Option<Fact> {
    Some(match &event.data {
        EventData::InventoryReserved(_) if is_planted("confirmed-before-payment") => Fact::Paid,
        EventData::InventoryReserved(_) => Fact::Reserved,
        EventData::InventoryRejected(data) => Fact::NotReserved(data.reason),
        EventData::InventoryReleased(_) => Fact::Released,
        EventData::PaymentCompleted(_) => Fact::Paid,
        EventData::PaymentFailed(_) => Fact::Declined,
        EventData::PaymentVoided(_) | EventData::PaymentRefunded(_) => Fact::Uncharged,
        _ => return None,
    })
}

fn log(transition: &Transition) {
    let OrderRecord { id, status, reason, open_partition, .. } = &transition.record;
    tracing::info!(
        order.id = %id,
        event.r#type = transition.event_type.as_str(),
        trace.id = transition.record.trace_id(),
        status,
        reason,
        settled = open_partition.is_none(),
        "order updated"
    );
}

#[async_trait]
impl Consumer for OrderTracker {
    fn name(&self) -> &'static str {
        "order-tracker"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let (reports, positions) =
            group_by_key(batch, report, |reports, later| reports.facts.extend(later.facts));
        let mut outcomes = vec![Outcome::Done; batch.len()];
        positions.scatter(self.apply(reports).await, &mut outcomes);
        outcomes
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
