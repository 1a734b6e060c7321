//! `inventory-reserve`: reserves units for placed orders, releases them for refused orders, and books the first stock of new products.

use std::collections::BTreeMap;

use async_trait::async_trait;
use orderflow_domain::{
    Event, EventData, OrderId, OrderPlaced, Quantities, RejectionReason, Shortage, Sku, Timestamp,
};
use orderflow_messaging::{Consumer, Delivery, Outcome, group_by_key};
use orderflow_store::Store;

use crate::commit::{Applied, Reservations};
use crate::plan::{Action, OrderRequest, UnknownSku};
use crate::settings::InventorySettings;
use crate::table::{ReservationRecord, ReservationStatus};

/// The consumer `inventory-reserve`.
pub struct InventoryConsumer {
    reservations: Reservations,
    settings: InventorySettings,
}

impl InventoryConsumer {
    /// Returns the consumer over this store.
    pub fn new(store: &Store, settings: InventorySettings) -> Self {
        Self { reservations: Reservations::new(store), settings }
    }

    /// Books the first stock of the products that the batch announces, and sets the outcomes of those deliveries.
    async fn book_first_stocks(&self, batch: &[Delivery], outcomes: &mut [Outcome]) {
        let (products, positions) = group_by_key(batch, first_stock, |_, _| {});
        if products.is_empty() {
            return;
        }
        let stocks: BTreeMap<Sku, i64> = products.into_iter().collect();
        let results = self.reservations.book_first_stocks(&stocks).await;
        let outcome = |(sku, result)| match result {
            Ok(()) => {
                tracing::info!(%sku, event.r#type = "product.created", "first stock booked");
                (sku, Outcome::Done)
            }
            Err(error) => (sku, Outcome::retry(error)),
        };
        positions.scatter(stocks.keys().zip(results).map(outcome), outcomes);
    }

    /// Returns what a delivery requests for its order.
    fn request(&self, delivery: &Delivery, now: Timestamp) -> Option<(OrderId, OrderRequest)> {
        let Event { data, resend, traceparent, .. } = &*delivery.event;
        let (order_id, action) = match data {
            EventData::OrderPlaced(placed) => (placed.order_id, self.reserve(placed, delivery, now)),
            EventData::OrderRejected(ended) | EventData::OrderCancelled(ended) => {
                (ended.order_id, Action::Release)
            }
            EventData::OrderUnknown(unknown) => (unknown.order_id, Action::Release),
            _ => return None,
        };
        let traceparent = traceparent.clone();
        Some((order_id, OrderRequest { order_id, action, resend: *resend, traceparent }))
    }

    fn reserve(&self, placed: &OrderPlaced, delivery: &Delivery, now: Timestamp) -> Action {
        let waited = now.since(delivery.first_at) >= self.settings.unknown_sku_wait;
        Action::Reserve {
            lines: units_by_sku(placed),
            total: placed.total.clone(),
            payment_token: placed.payment_token.clone(),
            unknown_sku: if waited || delivery.last_attempt { UnknownSku::Reject } else { UnknownSku::Wait },
        }
    }
}

/// Returns the sku and the first stock of the product that a delivery announces.
fn first_stock(delivery: &Delivery) -> Option<(&Sku, (Sku, i64))> {
    match &delivery.event.data {
        EventData::ProductCreated(product) => {
            Some((&product.sku, (product.sku.clone(), product.stock.unwrap_or_default())))
        }
        _ => None,
    }
}

/// Merges two requests for the same order. A release takes precedence over a reservation, and a delivery that cannot wait for an unknown
/// sku over one that can.
fn merge(request: &mut OrderRequest, other: OrderRequest) {
    let precedence = |action: &Action| match action {
        Action::Reserve { unknown_sku: UnknownSku::Wait, .. } => 0,
        Action::Reserve { unknown_sku: UnknownSku::Reject, .. } => 1,
        Action::Release => 2,
    };
    let resend = request.resend.max(other.resend);
    if precedence(&other.action) > precedence(&request.action) {
        *request = other;
    }
    request.resend = resend;
}

/// Returns the ordered units with each sku once, also for an event whose lines repeat a sku.
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
        // Before the orders: an order may be delivered together with the product that it names.
        self.book_first_stocks(batch, &mut outcomes).await;
        let now = Timestamp::now();
        let (requests, positions) = group_by_key(batch, |delivery| self.request(delivery, now), merge);
        let applied = self.reservations.apply(&requests).await;
        requests.iter().zip(&applied).for_each(|(request, applied)| log(request, applied));
        let order_ids = requests.iter().map(|request| request.order_id);
        positions.scatter(order_ids.zip(applied.into_iter().map(|applied| applied.outcome)), &mut outcomes);
        outcomes
    }
}

fn log(request: &OrderRequest, applied: &Applied) {
    let Some(record) = &applied.written else { return };
    let ReservationRecord { status, reason, shortages, .. } = record;
    let (event_type, message) = match status {
        ReservationStatus::Reserved => ("inventory.reserved", "stock reserved"),
        ReservationStatus::Rejected => ("inventory.rejected", "stock not reserved"),
        ReservationStatus::Released => ("inventory.released", "stock released"),
    };
    tracing::info!(
        order.id = %request.order_id,
        event.r#type = event_type,
        trace.id = request.traceparent.as_deref().and_then(orderflow_domain::trace_id),
        reason = reason.map(RejectionReason::as_str),
        shortages = Shortage::summary(shortages),
        "{message}"
    );
}
