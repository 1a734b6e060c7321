//! Which messages go out, and how often.

use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{ChannelKind, Event, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::{Consumer, Outcome, QueueFunction, QueueResponse, RetryPolicy};
use orderflow_notifications::{ChannelError, NotificationConsumer, Providers};
use serde_json::{Value, json};

use crate::outcomes::{EMAIL, PHONE, cancelled, confirmed, deliveries, refunded};
use crate::support::{Notifications, confirmed_without_phone};

fn unavailable() -> ChannelError {
    ChannelError::Unavailable("mailbox busy".to_owned())
}

fn refused() -> ChannelError {
    ChannelError::Refused("no such mailbox".to_owned())
}

#[tokio::test]
async fn each_channel_is_recorded_once_however_often_the_event_comes() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let twice = [confirmed(order), confirmed(order)];
    let outcomes = notifications.handle(&twice).await;
    assert_eq!(outcomes, [Outcome::Done, Outcome::Done]);
    notifications.handle(&[confirmed(order)]).await;

    let rows = notifications.rows(order).await;
    let found: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.recipient.as_str())).collect();
    assert_eq!(found, [("order_confirmation#email", EMAIL), ("order_confirmation#sms", PHONE)]);
    assert_eq!(notifications.sent().len(), 2);
}

#[tokio::test]
async fn without_a_telephone_only_an_e_mail_goes_out() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    notifications.handle(&[confirmed_without_phone(order)]).await;
    assert_eq!(notifications.ids(order).await, ["order_confirmation#email"]);
}

#[tokio::test]
async fn a_refund_that_does_not_say_whom_to_tell_tells_nobody() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let outcomes = notifications.handle(&[refunded(order, None)]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert!(notifications.sent().is_empty());
}

#[tokio::test]
async fn a_cancellation_and_its_refund_are_two_messages() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let batch = [refunded(order, Some(EMAIL)), cancelled(order, "customer")];
    notifications.handle(&batch).await;
    assert_eq!(
        notifications.ids(order).await,
        ["order_cancelled#email", "order_cancelled#sms", "order_refunded#email", "order_refunded#sms"]
    );
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_sends_again_under_the_same_id() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let writes_fail = |operation: &str, _: &Value| {
        let writes = ["PutItem", "TransactWriteItems"].contains(&operation);
        writes.then_some(Fault::InternalServerError)
    };
    notifications.embedded.inject(Arc::new(writes_fail));
    let outcomes = notifications.handle(&[confirmed(order)]).await;
    assert!(matches!(outcomes[..], [Outcome::Retry { .. }]));
    assert!(notifications.rows(order).await.is_empty());

    notifications.embedded.stop_injecting();
    notifications.handle(&[confirmed(order)]).await;
    let sent = notifications.sent();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[..2], sent[2..]);
    assert_ne!(sent[0].id, sent[1].id);
    assert_eq!(notifications.rows(order).await.len(), 2);
}

/// What a queue function is given.
fn payload(events: &[Event]) -> Vec<u8> {
    let record = |event: &Event| {
        let (id, body) = (event.id.to_string(), event.to_json());
        json!({"messageId": id, "body": body, "eventSource": "orderflow:memory"})
    };
    let records: Vec<_> = events.iter().map(record).collect();
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_went_out_before_the_time_was_over_does_not_go_out_again() {
    let notifications = Notifications::start().await;
    let function = QueueFunction::new(notifications.another_consumer(), RetryPolicy::default(), None);
    let orders: Vec<_> = (0..10).map(|_| OrderId::generate()).collect();
    let batch = payload(&orders.iter().copied().map(confirmed_without_phone).collect::<Vec<_>>());
    let invoke = async || -> QueueResponse {
        let answer = function.invoke(&batch, Some(Duration::from_secs(30))).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    };

    *notifications.outgoing.unanswered.lock().unwrap() = Some(orders[0]);
    assert_eq!(invoke().await.failures.len(), 10);
    for order in &orders[1..] {
        assert_eq!(notifications.ids(*order).await, ["order_confirmation#email"]);
    }
    assert_eq!(notifications.sent().len(), 9);

    *notifications.outgoing.unanswered.lock().unwrap() = None;
    assert_eq!(invoke().await.failures, []);
    let again: Vec<_> = notifications.sent()[9..].iter().map(|message| message.order_id).collect();
    assert_eq!(again, [Some(orders[0])]);
}

#[tokio::test]
async fn a_channel_that_fails_holds_up_only_its_order() {
    let notifications = Notifications::start().await;
    let (bad, good) = (OrderId::generate(), OrderId::generate());
    notifications.outgoing.fail(bad, ChannelKind::Email, unavailable());
    let outcomes = notifications.handle(&[confirmed(bad), confirmed(good)]).await;
    let Outcome::Retry { reason, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(reason.contains("mailbox busy"), "{reason}");
    assert_eq!(outcomes[1], Outcome::Done);
    assert_eq!(notifications.ids(bad).await, ["order_confirmation#sms"]);
    assert_eq!(notifications.rows(good).await.len(), 2);

    notifications.outgoing.stop_failing(bad, ChannelKind::Email);
    notifications.handle(&[confirmed(bad)]).await;
    assert_eq!(notifications.rows(bad).await.len(), 2);
    assert_eq!(notifications.sent().len(), 4);
}

#[tokio::test]
async fn a_refused_message_is_a_dead_letter_and_its_neighbours_are_done() {
    let notifications = Notifications::start().await;
    let (bad, good) = (OrderId::generate(), OrderId::generate());
    notifications.outgoing.fail(bad, ChannelKind::Email, refused());
    let outcomes = notifications.handle(&[confirmed(bad), confirmed(good)]).await;
    let Outcome::DeadLetter { code, reason } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(*code, "message-refused");
    assert!(reason.contains("no such mailbox"), "{reason}");
    assert_eq!(outcomes[1], Outcome::Done);
    assert_eq!(notifications.ids(bad).await, ["order_confirmation#sms"]);
}

#[tokio::test]
async fn an_event_is_given_up_only_when_its_other_message_went_out() {
    for (refusing, failing) in
        [(ChannelKind::Email, ChannelKind::Sms), (ChannelKind::Sms, ChannelKind::Email)]
    {
        let notifications = Notifications::start().await;
        let order = OrderId::generate();
        notifications.outgoing.fail(order, refusing, refused());
        notifications.outgoing.fail(order, failing, unavailable());
        let outcomes = notifications.handle(&[confirmed(order)]).await;
        assert!(matches!(outcomes[..], [Outcome::Retry { .. }]), "{outcomes:?}");

        notifications.outgoing.stop_failing(order, failing);
        let outcomes = notifications.handle(&[confirmed(order)]).await;
        assert!(matches!(outcomes[..], [Outcome::DeadLetter { .. }]), "{outcomes:?}");
        assert_eq!(notifications.ids(order).await, [format!("order_confirmation#{}", failing.as_str())]);
    }
}

#[tokio::test]
async fn two_batches_at_once_leave_one_record_a_channel() {
    let notifications = Notifications::start().await;
    let orders: Vec<_> = (0..5).map(|_| OrderId::generate()).collect();
    let batch = deliveries(&orders.iter().copied().map(confirmed).collect::<Vec<_>>());
    let (first, second) =
        tokio::join!(notifications.consumer.handle(&batch), notifications.consumer.handle(&batch));
    for outcome in first.iter().chain(&second) {
        assert_eq!(*outcome, Outcome::Done);
    }
    for order in orders {
        assert_eq!(notifications.rows(order).await.len(), 2);
    }
    assert!(notifications.sent().len() > 10, "the batches overlapped");
}

#[tokio::test]
async fn a_batch_is_one_read_and_one_transaction() {
    let notifications = Notifications::start().await;
    let batch: Vec<_> = (0..10).map(|_| confirmed(OrderId::generate())).collect();
    let before = notifications.embedded.requests();
    notifications.handle(&batch).await;
    let made = notifications.embedded.requests().since(&before);
    assert_eq!((made.of("BatchGetItem"), made.total()), (1, 2));
    assert_eq!(made.of("TransactWriteItems"), 1);
}

#[tokio::test]
async fn without_providers_messages_are_logged_and_recorded() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let consumer = NotificationConsumer::new(
        &notifications.store,
        Arc::new(Providers::default()),
        notifications.templates.clone(),
    );
    let outcomes = consumer.handle(&deliveries(&[confirmed(order)])).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(notifications.rows(order).await.len(), 2);
}
