//! What orders have told so far, from the table itself: for whoever counts anew.

use orderflow_domain::{Event, Timestamp};
use orderflow_store::{Item, Store, StoreError};

use crate::events::data;
use crate::record::OrderRecord;
use crate::repository::Orders;
use crate::timeline::TimelineEntry;

/// Walks over all orders.
#[derive(Debug, Clone)]
pub struct OrderHistory {
    orders: Orders,
    next: Next,
}

#[derive(Debug, Clone)]
enum Next {
    First,
    From(Item),
    End,
}

impl OrderHistory {
    /// From the first order on.
    pub fn new(store: &Store) -> Self {
        Self { orders: Orders::new(store), next: Next::First }
    }

    /// What the next orders have told of their beginning and end, each event as it was first published; none when all orders were seen. Sees
    /// every order that was there when it was called first, as it is now or was since.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>, StoreError> {
        let from = match std::mem::replace(&mut self.next, Next::End) {
            Next::First => None,
            Next::From(from) => Some(from),
            Next::End => return Ok(None),
        };
        let (orders, next) = self.orders.scan(from).await?;
        self.next = next.map_or(Next::End, Next::From);
        Ok(Some(orders.into_iter().flat_map(told).collect()))
    }
}

/// The events in the order's timeline that are its own.
fn told(order: OrderRecord) -> Vec<Event> {
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
    use orderflow_store::{OUTBOX, Outbox, Write};

    use super::*;
    use crate::harness::{OUT_OF_STOCK, OrdersHarness, order, order_of, report};
    use crate::{EVENT_SOURCE, ORDERS};

    /// The event that the last write of an order carried.
    async fn published(harness: &OrdersHarness, id: OrderId) -> Event {
        let table = harness.service.store.table(&ORDERS);
        let item = table.get_items(vec![table.key(id.to_string())]).await.unwrap().remove(0);
        let outbox: Outbox = item[OUTBOX].as_s().unwrap().parse().unwrap();
        (EVENT_SOURCE.build)(item.into(), &outbox.emissions()[0]).unwrap()
    }

    #[tokio::test]
    async fn orders_tell_again_what_they_told() {
        let harness = OrdersHarness::open().await;
        let mut expected: BTreeMap<OrderId, Vec<Event>> = BTreeMap::new();
        for facts in
            [&[][..], &[Fact::Reserved, Fact::Paid], &[OUT_OF_STOCK], &[Fact::Reserved, Fact::Declined]]
        {
            let id = harness.place_order(order_of(&["A", "B"])).await;
            let mut told = vec![published(&harness, id).await];
            for fact in facts {
                harness.deliver_all(&[report(id, *fact)]).await;
            }
            if !facts.is_empty() {
                told.push(published(&harness, id).await);
            }
            expected.insert(id, told);
        }
        let cancelled = harness.place().await;
        let begin = published(&harness, cancelled).await;
        assert_eq!(harness.cancel(cancelled).await, 200);
        expected.insert(cancelled, vec![begin, published(&harness, cancelled).await]);

        let (mut history, mut told) = (OrderHistory::new(&harness.service.store), BTreeMap::new());
        while let Some(events) = history.next().await.unwrap() {
            for event in events {
                told.entry(event.order_id().unwrap()).or_insert_with(Vec::new).push(event);
            }
        }
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn all_pages_are_walked_and_what_cannot_be_read_is_passed_over() {
        let harness = OrdersHarness::open().await;
        // So many that one page of a megabyte cannot hold them.
        for _ in 0..40 {
            let mut large = order();
            large.lines[0].name = "x".repeat(40_000);
            harness.place_order(large).await;
        }
        let table = harness.service.store.table(&ORDERS);
        let unreadable = Write::update(&table, table.key("odd")).count("total", 1);
        harness.service.store.write(unreadable).await.unwrap();
        let (mut history, mut pages, mut events) = (OrderHistory::new(&harness.service.store), 0, 0);
        while let Some(page) = history.next().await.unwrap() {
            pages += 1;
            events += page.len();
        }
        assert_eq!(events, 40);
        assert!(pages > 1);
    }
}
