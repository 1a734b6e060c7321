//! Which messages are sent, and how often.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{ChannelKind, Event, OrderId};
use orderflow_messaging::{Outcome, QueueFunction, QueueResponse, RetryPolicy};
use orderflow_notifications::{ChannelError, Message, Providers};
use orderflow_testing::service::deliver;
use serde_json::json;

use crate::harness::{NotificationsHarness, confirmed_without_phone, records_fail};
use crate::outcomes::{EMAIL, PHONE, cancelled, confirmed, refunded};

fn unavailable() -> ChannelError {
    ChannelError::Unavailable("mailbox busy".to_owned())
}

fn refused() -> ChannelError {
    ChannelError::Refused("no such mailbox".to_owned())
}

#[tokio::test]
async fn duplicate_events_send_one_message_per_channel() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let twice = [confirmed(order), confirmed(order)];
    let outcomes = notifications.deliver(&twice).await;
    assert_eq!(outcomes, [Outcome::Done, Outcome::Done]);
    notifications.deliver(&[confirmed(order)]).await;

    let rows = notifications.rows(order).await;
    let found: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.recipient.as_str())).collect();
    assert_eq!(found, [("order_confirmation#email", EMAIL), ("order_confirmation#sms", PHONE)]);
    assert_eq!(notifications.sent().len(), 2);
}

#[tokio::test]
async fn without_a_telephone_number_only_an_e_mail_is_sent() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    notifications.deliver(&[confirmed_without_phone(order)]).await;
    assert_eq!(notifications.ids(order).await, ["order_confirmation#email"]);
}

#[tokio::test]
async fn a_refund_without_an_e_mail_address_sends_no_message() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let outcomes = notifications.deliver(&[refunded(order, None)]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert!(notifications.sent().is_empty());
}

#[tokio::test]
async fn a_cancellation_and_its_refund_are_two_messages() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let batch = [refunded(order, Some(EMAIL)), cancelled(order, "customer")];
    notifications.deliver(&batch).await;
    assert_eq!(
        notifications.ids(order).await,
        ["order_cancelled#email", "order_cancelled#sms", "order_refunded#email", "order_refunded#sms"]
    );
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_sends_again_under_the_same_id() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    notifications.service.embedded.inject(Arc::new(records_fail));
    let outcomes = notifications.deliver(&[confirmed(order)]).await;
    assert!(matches!(outcomes[..], [Outcome::Retry { .. }]));
    assert!(notifications.shown(order).await.is_empty());

    notifications.service.stop_failing();
    notifications.deliver(&[confirmed(order)]).await;
    let sent = notifications.sent();
    assert_eq!(sent.len(), 4);
    let ids = |messages: &[Message]| messages.iter().map(|message| message.id).collect::<BTreeSet<_>>();
    assert_eq!(ids(&sent[..2]), ids(&sent[2..]));
    assert_eq!(ids(&sent).len(), 2);
    assert_eq!(notifications.shown(order).await.len(), 2);
}

/// Returns the payload of a queue function.
fn payload(events: &[Event]) -> Vec<u8> {
    let record = |event: &Event| {
        let (id, body) = (event.id.to_string(), event.to_json());
        json!({"messageId": id, "body": body, "eventSource": "orderflow:memory"})
    };
    let records: Vec<_> = events.iter().map(record).collect();
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_sent_before_a_timeout_are_not_sent_again() {
    let notifications = NotificationsHarness::open().await;
    let function = QueueFunction::new(
        notifications.consumer_with(notifications.channel.clone()),
        RetryPolicy::default(),
    );
    let orders: Vec<_> = (0..10).map(|_| OrderId::generate()).collect();
    let batch = payload(&orders.iter().copied().map(confirmed_without_phone).collect::<Vec<_>>());
    let invoke = async || -> QueueResponse {
        let answer = function.invoke(&batch, Some(Duration::from_secs(30))).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    };

    *notifications.channel.unanswered.lock().unwrap() = Some(orders[0]);
    assert_eq!(invoke().await.failures.len(), 10);
    for order in &orders[1..] {
        assert_eq!(notifications.ids(*order).await, ["order_confirmation#email"]);
    }
    assert_eq!(notifications.sent().len(), 9);

    *notifications.channel.unanswered.lock().unwrap() = None;
    assert_eq!(invoke().await.failures, []);
    let sent_again: Vec<_> = notifications.sent()[9..].iter().map(|message| message.order_id).collect();
    assert_eq!(sent_again, [Some(orders[0])]);
}

#[tokio::test]
async fn a_failing_message_does_not_delay_other_orders() {
    let notifications = NotificationsHarness::open().await;
    let (bad, good) = (OrderId::generate(), OrderId::generate());
    notifications.channel.fail(bad, ChannelKind::Email, unavailable());
    let outcomes = notifications.deliver(&[confirmed(bad), confirmed(good)]).await;
    let Outcome::Retry { reason, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(reason.contains("mailbox busy"), "{reason}");
    assert_eq!(outcomes[1], Outcome::Done);
    assert_eq!(notifications.ids(bad).await, ["order_confirmation#sms"]);
    assert_eq!(notifications.rows(good).await.len(), 2);

    notifications.channel.stop_failing(bad, ChannelKind::Email);
    notifications.deliver(&[confirmed(bad)]).await;
    assert_eq!(notifications.rows(bad).await.len(), 2);
    assert_eq!(notifications.sent().len(), 4);
}

#[tokio::test]
async fn a_refused_message_is_dead_lettered_and_the_others_are_sent() {
    let notifications = NotificationsHarness::open().await;
    let (bad, good) = (OrderId::generate(), OrderId::generate());
    notifications.channel.fail(bad, ChannelKind::Email, refused());
    let outcomes = notifications.deliver(&[confirmed(bad), confirmed(good)]).await;
    let Outcome::DeadLetter { code, reason } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(*code, "message-refused");
    assert!(reason.contains("no such mailbox"), "{reason}");
    assert_eq!(outcomes[1], Outcome::Done);
    assert_eq!(notifications.ids(bad).await, ["order_confirmation#sms"]);
}

#[tokio::test]
async fn an_event_is_dead_lettered_only_once_its_other_message_is_sent() {
    for (refusing, failing) in
        [(ChannelKind::Email, ChannelKind::Sms), (ChannelKind::Sms, ChannelKind::Email)]
    {
        let notifications = NotificationsHarness::open().await;
        let order = OrderId::generate();
        notifications.channel.fail(order, refusing, refused());
        notifications.channel.fail(order, failing, unavailable());
        let outcomes = notifications.deliver(&[confirmed(order)]).await;
        assert!(matches!(outcomes[..], [Outcome::Retry { .. }]), "{outcomes:?}");

        notifications.channel.stop_failing(order, failing);
        let outcomes = notifications.deliver(&[confirmed(order)]).await;
        assert!(matches!(outcomes[..], [Outcome::DeadLetter { .. }]), "{outcomes:?}");
        assert_eq!(notifications.ids(order).await, [format!("order_confirmation#{}", failing.as_str())]);
    }
}

#[tokio::test]
async fn concurrent_batches_send_each_message_once() {
    let notifications = NotificationsHarness::open().await;
    let orders: Vec<_> = (0..5).map(|_| OrderId::generate()).collect();
    let events: Vec<_> = orders.iter().copied().map(confirmed).collect();
    let (first, second) = tokio::join!(notifications.deliver(&events), notifications.deliver(&events));
    let outcomes = || first.iter().chain(&second);
    assert!(outcomes().all(|outcome| matches!(outcome, Outcome::Done | Outcome::Defer { .. })));
    assert!(outcomes().any(|outcome| *outcome != Outcome::Done), "the batches overlapped");
    let later = notifications.deliver(&events).await;
    assert!(later.iter().all(|outcome| *outcome == Outcome::Done), "{later:?}");
    for order in orders {
        assert_eq!(notifications.shown(order).await.len(), 2);
    }
    assert_eq!(notifications.sent().len(), 10);
}

/// Each message is recorded before the next one is handed to its provider.
#[tokio::test]
async fn a_batch_needs_one_read_one_transaction_and_a_write_for_each_message() {
    let notifications = NotificationsHarness::open().await;
    let batch: Vec<_> = (0..10).map(|_| confirmed(OrderId::generate())).collect();
    let requests_of = notifications.service.requests_of(async {
        notifications.deliver(&batch).await;
    });
    let made = requests_of.await;
    assert_eq!((made.of("BatchGetItem"), made.total()), (1, 22));
    assert_eq!(
        (made.of("TransactWriteItems"), made.of("PutItem")),
        (1, 20),
        "the claims, and each sent message"
    );
}

/// Messages that are only logged reach no customer, so they need no stored claim, and are recorded together.
#[tokio::test]
async fn a_batch_without_a_provider_needs_one_read_and_one_transaction() {
    let notifications = NotificationsHarness::open().await;
    let batch: Vec<_> = (0..10).map(|_| confirmed(OrderId::generate())).collect();
    let consumer = notifications.consumer_with(Arc::new(Providers::default())).alone();
    let requests_of = notifications.service.requests_of(async {
        deliver(&consumer, &batch).await;
    });
    let made = requests_of.await;
    assert_eq!((made.of("BatchGetItem"), made.total()), (1, 2));
    assert_eq!(made.of("TransactWriteItems"), 1, "the sent messages");
}

#[tokio::test]
async fn without_providers_messages_are_logged_and_recorded() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let consumer = notifications.consumer_with(Arc::new(Providers::default()));
    let outcomes = deliver(&consumer, &[confirmed(order)]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(notifications.rows(order).await.len(), 2);
}

/// Without a provider the claim is not stored, so the record alone keeps a repeat out.
#[tokio::test]
async fn without_providers_each_message_is_recorded_once_by_consumers_that_get_it_at_once() {
    let notifications = NotificationsHarness::open().await;
    let orders: Vec<_> = (0..10).map(|_| OrderId::generate()).collect();
    let batch: Vec<_> = orders.iter().map(|order| confirmed(*order)).collect();
    let consumer = || notifications.consumer_with(Arc::new(Providers::default()));
    let (first, second) = (consumer(), consumer());
    let outcomes = tokio::join!(deliver(&first, &batch), deliver(&second, &batch));
    assert!([outcomes.0, outcomes.1].concat().iter().all(|outcome| *outcome == Outcome::Done));
    let requests_of = notifications.service.requests_of(async {
        assert!(deliver(&first, &batch).await.iter().all(|outcome| *outcome == Outcome::Done));
    });
    assert_eq!(requests_of.await.total(), 1, "a repeat only reads");
    for order in orders {
        assert_eq!(notifications.shown(order).await.len(), 2);
    }
}
