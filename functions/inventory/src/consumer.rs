//! `inventory-reserve`: holds units for orders that were placed, gives them back for orders that were refused.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use orderflow_domain::{Event, EventData, OrderId, OrderPlaced, Quantities, Shortage, Sku, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::Store;

use crate::commit::{Ledger, Settled};
use crate::plan::{Request, UnknownSku, Work};
use crate::settings::InventorySettings;
use crate::table::{ReservationRecord, ReservationStatus};

/// The consumer `inventory-reserve`.
pub struct InventoryConsumer {
    ledger: Ledger,
    settings: InventorySettings,
}

impl InventoryConsumer {
    /// The consumer over this store.
    pub fn new(store: &Store, settings: InventorySettings) -> Self {
        Self { ledger: Ledger::new(store), settings }
    }

    /// Books the first stocks that the batch brings, and says what became of each delivery that brought one.
    async fn book_first_stocks(&self, batch: &[Delivery], outcomes: &mut [Outcome]) {
        let mut stocks: BTreeMap<Sku, i64> = BTreeMap::new();
        for delivery in batch {
            if let EventData::ProductCreated(product) = &delivery.event.data {
                stocks.entry(product.sku.clone()).or_insert(product.stock.unwrap_or_default());
            }
        }
        if stocks.is_empty() {
            return;
        }
        let results = self.ledger.book_first_stocks(&stocks).await;
        let result_of: BTreeMap<&Sku, _> = stocks.keys().zip(results).collect();
        for (delivery, outcome) in batch.iter().zip(outcomes) {
            let EventData::ProductCreated(product) = &delivery.event.data else { continue };
            if let Some(Err(error)) = result_of.get(&product.sku) {
                *outcome = Outcome::retry(error);
            } else {
                tracing::info!(sku = %product.sku, event.r#type = "product.created", "the first stock is booked");
            }
        }
    }

    fn reserve_request(&self, placed: &OrderPlaced, delivery: &Delivery, now: Timestamp) -> Request {
        let waited = now.since(delivery.first_at) >= self.settings.unknown_sku_wait;
        Request::Reserve {
            lines: units_by_sku(placed),
            total: placed.total.clone(),
            payment_token: placed.payment_token.clone(),
            unknown_sku: if waited || delivery.last_attempt { UnknownSku::Reject } else { UnknownSku::Wait },
        }
    }

    /// Folds a batch by order. A refusal wins over the order it refuses.
    fn fold(&self, batch: &[Delivery]) -> (Vec<Work>, HashMap<OrderId, usize>) {
        let now = Timestamp::now();
        let mut works: Vec<Work> = Vec::new();
        let mut position_of: HashMap<OrderId, usize> = HashMap::new();
        for delivery in batch {
            let Event { data, resend, traceparent, .. } = &delivery.event;
            let (order_id, request) = match data {
                EventData::OrderPlaced(placed) => {
                    (placed.order_id, self.reserve_request(placed, delivery, now))
                }
                EventData::OrderRejected(ended) | EventData::OrderCancelled(ended) => {
                    (ended.order_id, Request::Release)
                }
                _ => continue,
            };
            let work = Work { order_id, request, resend: *resend, traceparent: traceparent.clone() };
            match position_of.get(&order_id) {
                None => {
                    position_of.insert(order_id, works.len());
                    works.push(work);
                }
                Some(position) => fold_into(&mut works[*position], work),
            }
        }
        (works, position_of)
    }
}

/// A refusal outweighs the order it refuses, and a delivery that can wait no longer one that can.
fn fold_into(work: &mut Work, other: Work) {
    let weight = |request: &Request| match request {
        Request::Reserve { unknown_sku: UnknownSku::Wait, .. } => 0,
        Request::Reserve { unknown_sku: UnknownSku::Reject, .. } => 1,
        Request::Release => 2,
    };
    let resend = work.resend.max(other.resend);
    if weight(&other.request) > weight(&work.request) {
        *work = other;
    }
    work.resend = resend;
}

/// The units that an order asks for; each sku once, whoever made the event.
fn units_by_sku(placed: &OrderPlaced) -> Vec<Quantities> {
    let mut units: BTreeMap<&Sku, u32> = BTreeMap::new();
    for line in &placed.items {
        let sum = units.entry(&line.sku).or_default();
        *sum = sum.saturating_add(line.quantity.get());
    }
    units.into_iter().map(|(sku, quantity)| Quantities { sku: sku.clone(), quantity }).collect()
}

#[async_trait]
impl Consumer for InventoryConsumer {
    fn name(&self) -> &'static str {
        "inventory-reserve"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; batch.len()];
        self.book_first_stocks(batch, &mut outcomes).await;
        let (works, position_of) = self.fold(batch);
        let settled = self.ledger.settle(&works).await;
        for (work, settled) in works.iter().zip(&settled) {
            log(work, settled);
        }
        for (delivery, outcome) in batch.iter().zip(&mut outcomes) {
            let position = delivery.event.order_id().and_then(|order_id| position_of.get(&order_id));
            if let Some(position) = position {
                *outcome = settled[*position].outcome.clone();
            }
        }
        outcomes
    }
}

fn log(work: &Work, settled: &Settled) {
    let Some(record) = &settled.written else { return };
    let ReservationRecord { status, reason, shortages, .. } = record;
    let event_type = match status {
        ReservationStatus::Reserved => "inventory.reserved",
        ReservationStatus::Rejected => "inventory.rejected",
        ReservationStatus::Released => "inventory.released",
    };
    let message = match status {
        ReservationStatus::Reserved => "the stock is reserved",
        ReservationStatus::Rejected => "the stock cannot be reserved",
        ReservationStatus::Released => "the stock is released",
    };
    let trace_id = work.traceparent.as_deref().and_then(orderflow_domain::trace_id);
    let reason = reason.map(orderflow_domain::RejectionReason::as_str);
    tracing::info!(
        order.id = %work.order_id,
        event.r#type = event_type,
        trace.id = trace_id,
        reason,
        shortages = Shortage::summary(shortages),
        "{message}"
    );
}
