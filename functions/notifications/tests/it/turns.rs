//! One message at a time is between its handing over to the provider and its record.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join_all;
use orderflow_domain::{Event, OrderId};
use orderflow_messaging::Outcome;
use orderflow_notifications::{Channel, ChannelError, Message, NOTIFICATIONS, Turn};
use orderflow_store::Table;
use orderflow_testing::service::deliver;
use serde_json::{Map, Value};

use crate::harness::{NotificationsHarness, confirmed_without_phone};

/// A channel that looks how many of the messages which it was handed are not recorded yet.
struct Watching {
    table: Table,
    handed_over: Mutex<Vec<OrderId>>,
    most_unrecorded: AtomicUsize,
}

impl Watching {
    async fn is_recorded(&self, order: OrderId) -> bool {
        let rows: Vec<Map<String, Value>> = self.table.get_collection(&order.to_string()).await.unwrap();
        rows.iter().any(|row| row["status"] == "sent")
    }
}

#[async_trait]
impl Channel for Watching {
    async fn send(&self, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        turn.wait().await?;
        let before = self.handed_over.lock().unwrap().clone();
        let mut unrecorded = 1;
        for order in before {
            unrecorded += usize::from(!self.is_recorded(order).await);
        }
        self.most_unrecorded.fetch_max(unrecorded, Ordering::SeqCst);
        self.handed_over.lock().unwrap().push(message.order_id.unwrap());
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// So a crash at any moment repeats one message at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_recorded_before_the_next_one_is_handed_over() {
    let notifications = NotificationsHarness::open().await;
    let table = notifications.service.store.table(&NOTIFICATIONS);
    let watching =
        Arc::new(Watching { table, handed_over: Mutex::default(), most_unrecorded: AtomicUsize::default() });
    let consumer = notifications.consumer_with(watching.clone());
    let batches = (0..4).map(|_| {
        let events: Vec<Event> = (0..20).map(|_| confirmed_without_phone(OrderId::generate())).collect();
        let consumer = &consumer;
        async move { deliver(consumer, &events).await }
    });
    for outcomes in join_all(batches).await {
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    }
    assert_eq!(watching.handed_over.lock().unwrap().len(), 80);
    assert_eq!(watching.most_unrecorded.load(Ordering::SeqCst), 1);
}
