//! Several consumers over one store, as in several processes.

use std::collections::BTreeMap;
use std::time::Duration;

use orderflow_domain::{ChannelKind, Event, OrderId, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_notifications::{ChannelError, NOTIFICATIONS, NotificationConsumer};
use orderflow_store::Write;
use orderflow_testing::service::{deliver, is_retry};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::harness::{NotificationsHarness, confirmed_without_phone, records_fail};
use crate::outcomes::confirmed;

/// The age at which a claim may be taken over.
const CLAIM_EXPIRES_AFTER: Duration = Duration::from_secs(60);

fn another(notifications: &NotificationsHarness) -> NotificationConsumer {
    notifications.consumer_with(notifications.channel.clone())
}

async fn deliver_one(consumer: &NotificationConsumer, event: &Event) -> Outcome {
    deliver(consumer, std::slice::from_ref(event)).await.remove(0)
}

/// Puts a claim of a process that has ended into the row of the e-mail about an order.
async fn abandoned(notifications: &NotificationsHarness, order: OrderId, at: Timestamp) {
    notifications.service.embedded.inject(std::sync::Arc::new(records_fail));
    assert!(is_retry(&deliver_one(&another(notifications), &confirmed_without_phone(order)).await));
    notifications.service.stop_failing();
    let table = notifications.service.store.table(&NOTIFICATIONS);
    let rows: Vec<Map<String, Value>> = table.get_collection(&order.to_string()).await.unwrap();
    let [mut row] = <[_; 1]>::try_from(rows).unwrap();
    row.insert("claim".to_owned(), json!({"owner": Uuid::new_v4(), "at": at}));
    notifications.service.store.write(Write::put(&table, &row).unwrap()).await.unwrap();
}

fn ago(duration: Duration) -> Timestamp {
    Timestamp::from_millis(Timestamp::now().as_millis() - i64::try_from(duration.as_millis()).unwrap())
}

#[tokio::test]
async fn two_consumers_that_get_every_event_at_once_send_each_message_once() {
    let notifications = NotificationsHarness::open().await;
    let consumers = [another(&notifications), another(&notifications), another(&notifications)];
    let mut expected: BTreeMap<(OrderId, ChannelKind), usize> = BTreeMap::new();
    for _ in 0..10 {
        let orders: Vec<_> = (0..10).map(|_| OrderId::generate()).collect();
        for order in &orders {
            expected.extend(ChannelKind::ALL.map(|channel| ((*order, channel), 1)));
        }
        let mut batches: [Vec<Event>; 3] = Default::default();
        for order in orders {
            for batch in &mut batches {
                batch.insert(fastrand::usize(..=batch.len()), confirmed(order));
            }
        }
        let [a, b, c] = &batches;
        let outcomes =
            tokio::join!(deliver(&consumers[0], a), deliver(&consumers[1], b), deliver(&consumers[2], c));
        for outcome in [outcomes.0, outcomes.1, outcomes.2].concat() {
            assert!(matches!(outcome, Outcome::Done | Outcome::Defer { .. }), "{outcome:?}");
        }
        for (consumer, batch) in consumers.iter().zip(&batches) {
            assert!(deliver(consumer, batch).await.iter().all(|outcome| *outcome == Outcome::Done));
        }
    }
    let mut sent = BTreeMap::new();
    for message in notifications.sent() {
        *sent.entry((message.order_id.unwrap(), message.recipient.channel())).or_default() += 1;
    }
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_claim_is_taken_over_once_it_has_expired() {
    let notifications = NotificationsHarness::open().await;
    let (young, old) = (OrderId::generate(), OrderId::generate());
    abandoned(&notifications, young, ago(Duration::from_secs(20))).await;
    abandoned(&notifications, old, ago(CLAIM_EXPIRES_AFTER)).await;
    let before = notifications.sent().len();

    let outcome = deliver_one(&notifications.consumer, &confirmed_without_phone(young)).await;
    let Outcome::Defer { reason, after } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "another consumer is sending the message");
    assert!((20..=32).contains(&after.as_secs()), "{after:?}");
    assert_eq!(notifications.sent().len(), before);
    assert!(notifications.shown(young).await.is_empty());

    assert_eq!(deliver_one(&notifications.consumer, &confirmed_without_phone(old)).await, Outcome::Done);
    let sent = notifications.sent();
    assert_eq!(sent.len(), before + 1);
    assert_eq!(sent[before].id, sent[1].id, "the same message, under the same id");
    assert_eq!(notifications.shown(old).await.len(), 1);
}

#[tokio::test]
async fn a_claim_from_before_a_clock_was_set_back_is_taken_over() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    abandoned(&notifications, order, Timestamp::now().plus(Duration::from_secs(3_600))).await;
    assert_eq!(deliver_one(&notifications.consumer, &confirmed_without_phone(order)).await, Outcome::Done);
}

#[tokio::test]
async fn a_consumer_that_is_alone_takes_claims_over_at_once() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    abandoned(&notifications, order, Timestamp::now()).await;
    let alone = another(&notifications).alone();
    assert_eq!(deliver_one(&alone, &confirmed_without_phone(order)).await, Outcome::Done);
}

#[tokio::test]
async fn a_message_that_failed_can_be_sent_by_another_process_at_once() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let error = ChannelError::Unavailable("no answer".to_owned());
    notifications.channel.fail(order, ChannelKind::Email, error);
    assert!(is_retry(&deliver_one(&another(&notifications), &confirmed_without_phone(order)).await));
    notifications.channel.stop_failing(order, ChannelKind::Email);
    let outcome = deliver_one(&another(&notifications), &confirmed_without_phone(order)).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(notifications.sent().len(), 1);
}
