//! The events of the table `orders`: how the relay builds them, and how they are read again from the orders themselves.

use orderflow_domain::{Event, EventData, EventType, OrderEnded, OrderPlaced, Timestamp};
use orderflow_store::{Emission, EventSource, ImageError, Item, Store, StoreError};

use crate::repository::Orders;
use crate::table::{ORDERS, OrderRecord, TimelineEntry};
use crate::unknown;

/// Builds the events of this table for the relay.
pub const EVENT_SOURCE: EventSource = EventSource { table: &ORDERS, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    if emission.event_type == EventType::OrderUnknown {
        return unknown::build(image, emission);
    }
    let record: OrderRecord =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    let (time, traceparent) = (record.updated_at, record.traceparent.clone());
    let data = data(emission.event_type, record).ok_or(ImageError::ForeignEvent(emission.event_type))?;
    Ok(match emission.resend {
        None => Event::new(data, "", time, traceparent),
        Some(resend) => Event::resent(data, resend, time, traceparent),
    })
}

/// Builds the data of an order's event; `None` for a type that another service emits.
fn data(event_type: EventType, record: OrderRecord) -> Option<EventData> {
    match event_type {
        EventType::OrderPlaced => Some(EventData::OrderPlaced(placed(record))),
        EventType::OrderConfirmed => Some(EventData::OrderConfirmed(ended(record))),
        EventType::OrderRejected => Some(EventData::OrderRejected(ended(record))),
        EventType::OrderCancelled => Some(EventData::OrderCancelled(ended(record))),
        _ => None,
    }
}

fn placed(record: OrderRecord) -> OrderPlaced {
    OrderPlaced {
        order_id: record.id,
        customer_id: record.customer_id,
        email: record.email,
        phone: record.phone,
        items: record.lines,
        total: record.total,
        payment_token: record.payment_token,
        placed_at: Some(record.created_at),
    }
}

fn ended(record: OrderRecord) -> OrderEnded {
    OrderEnded {
        order_id: record.id,
        customer_id: record.customer_id,
        email: record.email,
        phone: record.phone,
        total: record.total,
        reason: record.reason,
        items: record.lines,
        placed_at: Some(record.created_at),
    }
}

/// Reads the events of all orders from the table, page by page. Analytics counts from it when its counters are rebuilt.
#[derive(Debug, Clone)]
pub struct OrderHistory {
    orders: Orders,
    next: NextPage,
}

#[derive(Debug, Clone)]
enum NextPage {
    First,
    From(Item),
    End,
}

impl OrderHistory {
    /// Starts at the first order.
    pub fn new(store: &Store) -> Self {
        Self { orders: Orders::new(store), next: NextPage::First }
    }

    /// Returns the events that the orders of the next page have emitted about their start and their end, each as it was first published, or
    /// `None` after the last page. Every order that existed at the first call is read, as it is then or later.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>, StoreError> {
        let from = match std::mem::replace(&mut self.next, NextPage::End) {
            NextPage::First => None,
            NextPage::From(from) => Some(from),
            NextPage::End => return Ok(None),
        };
        let (orders, next) = self.orders.scan(from).await?;
        self.next = next.map_or(NextPage::End, NextPage::From);
        Ok(Some(orders.into_iter().flat_map(own_events).collect()))
    }
}

/// Builds the events in an order's timeline that the order itself emitted.
fn own_events(order: OrderRecord) -> Vec<Event> {
    let event = |entry: &TimelineEntry| {
        let data = data(entry.event_type.parse().ok()?, order.clone())?;
        let time = Timestamp::from_millis(entry.millis);
        Some(Event::new(data, "", time, order.traceparent.clone()))
    };
    order.timeline.iter().filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use orderflow_domain::{Fact, OrderId};
    use orderflow_store::Write;

    use super::*;
    use crate::harness::{OUT_OF_STOCK, OrdersHarness, order, order_of, report};

    /// Returns the event that the last write of an order emitted.
    async fn published(harness: &OrdersHarness, id: OrderId) -> Event {
        harness.service.last_event(&EVENT_SOURCE, &id.to_string()).await
    }

    #[tokio::test]
    async fn the_history_has_the_events_as_they_were_published() {
        let harness = OrdersHarness::open().await;
        let mut expected: BTreeMap<OrderId, Vec<Event>> = BTreeMap::new();
        for facts in
            [&[][..], &[Fact::Reserved, Fact::Paid], &[OUT_OF_STOCK], &[Fact::Reserved, Fact::Declined]]
        {
            let id = harness.place_order(order_of(&["A", "B"])).await;
            let mut events = vec![published(&harness, id).await];
            for fact in facts {
                harness.deliver_all(&[report(id, *fact)]).await;
            }
            if !facts.is_empty() {
                events.push(published(&harness, id).await);
            }
            expected.insert(id, events);
        }
        let cancelled = harness.place().await;
        let placed = published(&harness, cancelled).await;
        assert_eq!(harness.cancel(cancelled).await, 200);
        expected.insert(cancelled, vec![placed, published(&harness, cancelled).await]);

        let (mut history, mut read) = (OrderHistory::new(&harness.service.store), BTreeMap::new());
        while let Some(events) = history.next().await.unwrap() {
            for event in events {
                read.entry(event.order_id().unwrap()).or_insert_with(Vec::new).push(event);
            }
        }
        assert_eq!(read, expected);
    }

    #[tokio::test]
    async fn all_pages_are_read_and_invalid_items_are_skipped() {
        let harness = OrdersHarness::open().await;
        // More than one page: a page of a scan has at most a megabyte.
        for _ in 0..40 {
            let mut large = order();
            large.lines[0].name = "x".repeat(40_000);
            harness.place_order(large).await;
        }
        let table = harness.service.store.table(&ORDERS);
        let invalid = Write::update(&table, table.key("odd")).increment("total", 1);
        harness.service.store.write(invalid).await.unwrap();
        let (mut history, mut pages, mut events) = (OrderHistory::new(&harness.service.store), 0, 0);
        while let Some(page) = history.next().await.unwrap() {
            pages += 1;
            events += page.len();
        }
        assert_eq!(events, 40);
        assert!(pages > 1);
    }
}
