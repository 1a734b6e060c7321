//! Providers that are out of order.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Email, Event, OrderId};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_notifications::{ChannelError, MailProvider, Message, NotificationConsumer, Providers};

use crate::outcomes::{confirmed, deliveries};
use crate::support::{Notifications, confirmed_without_phone};

/// Failures in a row that open a breaker.
const FAILURES: usize = 5;

/// A provider that fails as it is told to, and counts how often it is asked.
#[derive(Clone, Default)]
struct Failing {
    error: Arc<Mutex<Option<ChannelError>>>,
    asked: Arc<AtomicUsize>,
}

impl Failing {
    fn with(self, error: Option<ChannelError>) -> Self {
        *self.error.lock().unwrap() = error;
        self
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl MailProvider for Failing {
    async fn send(&self, _: &Email, _: &Message) -> Result<(), ChannelError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.error.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

fn unavailable() -> ChannelError {
    ChannelError::Unavailable("no answer".to_owned())
}

async fn consumer(mail: &Failing) -> (Notifications, NotificationConsumer) {
    let notifications = Notifications::start().await;
    let providers = Arc::new(Providers::default().with_mail(mail.clone()));
    let consumer =
        NotificationConsumer::new(&notifications.store, providers, notifications.templates.clone());
    (notifications, consumer)
}

async fn handle(consumer: &NotificationConsumer, event: &Event) -> Outcome {
    consumer.handle(&deliveries(std::slice::from_ref(event))).await.remove(0)
}

async fn fail_until_open(consumer: &NotificationConsumer) {
    for _ in 0..FAILURES {
        let outcome = handle(consumer, &confirmed_without_phone(OrderId::generate())).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_and_asked_again_after_a_pause() {
    let mail = Failing::default().with(Some(unavailable()));
    let (notifications, consumer) = consumer(&mail).await;
    fail_until_open(&consumer).await;
    let order = OrderId::generate();
    let event = confirmed_without_phone(order);
    let Outcome::Defer { after, reason } = handle(&consumer, &event).await else { panic!("not deferred") };
    assert!(reason.contains("circuit breaker is open"), "{reason}");
    assert!(after > Duration::ZERO && after < Duration::from_secs(3), "{after:?}");
    assert_eq!(mail.asked(), FAILURES);

    let mail = mail.with(None);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    assert_eq!(handle(&consumer, &event).await, Outcome::Done);
    assert_eq!(mail.asked(), FAILURES + 1);
    assert_eq!(notifications.ids(order).await, ["order_confirmation#email"]);
}

#[tokio::test]
async fn the_other_channel_goes_on_meanwhile() {
    let mail = Failing::default().with(Some(unavailable()));
    let (notifications, consumer) = consumer(&mail).await;
    fail_until_open(&consumer).await;
    let order = OrderId::generate();
    let outcome = handle(&consumer, &confirmed(order)).await;
    assert!(matches!(outcome, Outcome::Defer { .. }), "{outcome:?}");
    assert_eq!(notifications.ids(order).await, ["order_confirmation#sms"]);
}

#[tokio::test]
async fn what_is_one_recipients_fault_leaves_the_provider_in_order() {
    for error in
        [ChannelError::PutOff("mailbox busy".to_owned()), ChannelError::Refused("no such mailbox".to_owned())]
    {
        let mail = Failing::default().with(Some(error.clone()));
        let (_notifications, consumer) = consumer(&mail).await;
        for _ in 0..2 * FAILURES {
            let outcome = handle(&consumer, &confirmed_without_phone(OrderId::generate())).await;
            assert!(!matches!(outcome, Outcome::Defer { .. }), "{error}: {outcome:?}");
        }
        assert_eq!(mail.asked(), 2 * FAILURES);
    }
}
