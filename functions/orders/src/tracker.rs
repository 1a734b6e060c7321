//! `order-tracker`: moves an order along as inventory and payment report.

use std::collections::HashMap;

use async_trait::async_trait;
use orderflow_domain::{Event, EventData, EventType, Fact, OrderId, Step, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{Emission, Outbox, Store, StoreError, WriteError, optimistic_attempts};

use crate::record::OrderRecord;
use crate::repository::Orders;
use crate::timeline::TimelineEntry;

const ROUNDS: u32 = 6;

/// The consumer `order-tracker`.
pub struct OrderTracker {
    orders: Orders,
}

/// The deliveries of a batch that are about one order.
struct Reports<'a> {
    order_id: OrderId,
    deliveries: Vec<&'a Delivery>,
}

/// An order with the reports taken in.
struct Tracked {
    record: OrderRecord,
    read_version: u32,
    outbox: Outbox,
    /// The last report that was taken in.
    reported: EventType,
}

impl OrderTracker {
    /// The consumer over this store.
    pub fn new(store: &Store) -> Self {
        Self { orders: Orders::new(store) }
    }

    /// One round: read, take the reports in, write. Gives the outcome of each order, none where somebody else changed it meanwhile.
    async fn round(&self, reports: &[Reports<'_>]) -> Vec<Option<Outcome>> {
        let ids = reports.iter().map(|report| report.order_id);
        let found = match self.orders.get_all(ids).await {
            Ok(found) => found,
            Err(error) => return vec![Some(Outcome::retry(error)); reports.len()],
        };
        let mut order_of: HashMap<OrderId, OrderRecord> =
            found.into_iter().map(|order| (order.id, order)).collect();
        let mut outcomes = vec![None; reports.len()];
        let mut changed = Vec::new();
        for (position, report) in reports.iter().enumerate() {
            match order_of.remove(&report.order_id).map(|order| take_in(order, &report.deliveries)) {
                None => outcomes[position] = Some(Outcome::retry("there is no such order")),
                Some(Err(error)) => outcomes[position] = Some(Outcome::retry(error)),
                Some(Ok(None)) => outcomes[position] = Some(Outcome::Done),
                Some(Ok(Some(tracked))) => changed.push((position, tracked)),
            }
        }
        self.write(changed, &mut outcomes).await;
        outcomes
    }

    async fn write(&self, changed: Vec<(usize, Tracked)>, outcomes: &mut [Option<Outcome>]) {
        let writes: Result<Vec<_>, StoreError> = changed
            .iter()
            .map(|(_, tracked)| self.orders.replace(&tracked.record, tracked.read_version, &tracked.outbox))
            .collect();
        let results = match writes {
            Ok(writes) => self.orders.write_each(writes).await,
            Err(error) => vec![Err(error.into()); changed.len()],
        };
        for ((position, tracked), result) in changed.iter().zip(results) {
            outcomes[*position] = match result {
                Ok(()) => {
                    log(tracked);
                    Some(Outcome::Done)
                }
                Err(WriteError::ConditionFailed(_)) => None,
                Err(WriteError::Store(error)) => Some(Outcome::retry(error)),
            };
        }
    }
}

/// Takes reports into an order. None where they change nothing.
fn take_in(
    mut record: OrderRecord,
    deliveries: &[&Delivery],
) -> Result<Option<Tracked>, orderflow_domain::UnknownStatus> {
    let (mut state, before) = (record.state()?, record.state()?);
    let (mut outbox, mut resent, mut reported) = (Outbox::default(), None, None);
    let (now, own_trace) = (Timestamp::now(), record.trace_id().map(str::to_owned));
    for delivery in deliveries {
        let Some(fact) = fact(&delivery.event) else { continue };
        let step = state.apply(fact);
        if step != Step::Unchanged {
            reported = Some(delivery.event.event_type());
            record.timeline.push(TimelineEntry::reported(
                &delivery.event,
                delivery.attempt,
                own_trace.as_deref(),
            ));
        }
        match step {
            Step::Unchanged | Step::Moved => {}
            Step::Ended(event_type) => {
                outbox.push(event_type);
                record.timeline.push(TimelineEntry::own(event_type, now, state.status.reason()));
            }
            Step::Resend(event_type) => resent = Some(event_type),
        }
    }
    let Some(reported) = reported.filter(|_| state != before) else { return Ok(None) };
    if let Some(event_type) = resent {
        outbox.push(Emission { event_type, resend: Some(state.resends) });
    }
    let read_version = record.advance(&state, now);
    Ok(Some(Tracked { record, read_version, outbox, reported }))
}

fn fact(event: &Event) -> Option<Fact> {
    Some(match &event.data {
        EventData::InventoryReserved(_) => Fact::Reserved,
        EventData::InventoryRejected(data) => Fact::NotReserved(data.reason),
        EventData::InventoryReleased(_) => Fact::Released,
        EventData::PaymentCompleted(_) => Fact::Paid,
        EventData::PaymentFailed(_) => Fact::Declined,
        EventData::PaymentVoided(_) | EventData::PaymentRefunded(_) => Fact::Uncharged,
        _ => return None,
    })
}

fn log(tracked: &Tracked) {
    let OrderRecord { id, status, reason, open_partition, .. } = &tracked.record;
    let outbox = &tracked.outbox;
    let emitted = outbox.emissions().first().map(|emission| emission.event_type);
    tracing::info!(
        order.id = %id,
        event.r#type = emitted.unwrap_or(tracked.reported).as_str(),
        trace.id = tracked.record.trace_id(),
        status,
        reason,
        settled = open_partition.is_none(),
        "the order moved"
    );
}

#[async_trait]
impl Consumer for OrderTracker {
    fn name(&self) -> &'static str {
        "order-tracker"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut reports: Vec<Reports<'_>> = Vec::new();
        let mut position_of: HashMap<OrderId, usize> = HashMap::new();
        for delivery in batch {
            let Some(order_id) = delivery.event.order_id() else { continue };
            let position = *position_of.entry(order_id).or_insert_with(|| {
                reports.push(Reports { order_id, deliveries: Vec::new() });
                reports.len() - 1
            });
            reports[position].deliveries.push(delivery);
        }
        let outcome_of = self.settle(reports).await;
        let outcome = |delivery: &Delivery| {
            let order_id = delivery.event.order_id();
            order_id.and_then(|order_id| outcome_of.get(&order_id).cloned()).unwrap_or(Outcome::Done)
        };
        batch.iter().map(outcome).collect()
    }
}

impl OrderTracker {
    async fn settle(&self, mut reports: Vec<Reports<'_>>) -> HashMap<OrderId, Outcome> {
        let mut outcome_of = HashMap::with_capacity(reports.len());
        let mut rounds = optimistic_attempts(ROUNDS);
        while !reports.is_empty() && rounds.next().await {
            let mut outcomes = self.round(&reports).await.into_iter();
            reports.retain(|report| match outcomes.next().flatten() {
                Some(outcome) => {
                    outcome_of.insert(report.order_id, outcome);
                    false
                }
                None => true,
            });
        }
        for report in reports {
            outcome_of.insert(report.order_id, Outcome::retry("others keep changing the order"));
        }
        outcome_of
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
