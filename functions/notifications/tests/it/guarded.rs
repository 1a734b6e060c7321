//! FailingProvider providers behind their circuit breakers.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Email, Event, OrderId};
use orderflow_messaging::Outcome;
use orderflow_notifications::{ChannelError, MailProvider, Message, NotificationConsumer, Providers, Turn};
use orderflow_testing::service::{deliver, is_retry};

use crate::harness::{NotificationsHarness, confirmed_without_phone};
use crate::outcomes::confirmed;

/// The number of consecutive failures that open a breaker.
const FAILURES_TO_OPEN: usize = 5;

/// A provider that fails on request, and counts its calls.
#[derive(Clone, Default)]
struct FailingProvider {
    error: Arc<Mutex<Option<ChannelError>>>,
    calls: Arc<AtomicUsize>,
}

impl FailingProvider {
    fn with(self, error: Option<ChannelError>) -> Self {
        *self.error.lock().unwrap() = error;
        self
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl MailProvider for FailingProvider {
    async fn send(&self, _: &Email, _: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        turn.wait().await?;
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.error.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

fn unavailable() -> ChannelError {
    ChannelError::Unavailable("no answer".to_owned())
}

async fn consumer(mail: &FailingProvider) -> (NotificationsHarness, NotificationConsumer) {
    let notifications = NotificationsHarness::open().await;
    let providers = Arc::new(Providers::default().with_mail(mail.clone()));
    let consumer = notifications.consumer_with(providers);
    (notifications, consumer)
}

async fn deliver_one(consumer: &NotificationConsumer, event: &Event) -> Outcome {
    deliver(consumer, std::slice::from_ref(event)).await.remove(0)
}

async fn fail_until_open(consumer: &NotificationConsumer) {
    for _ in 0..FAILURES_TO_OPEN {
        let outcome = deliver_one(consumer, &confirmed_without_phone(OrderId::generate())).await;
        assert!(is_retry(&outcome), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_failing_provider_is_not_called_until_the_pause_of_its_breaker_is_over() {
    let mail = FailingProvider::default().with(Some(unavailable()));
    let (notifications, consumer) = consumer(&mail).await;
    fail_until_open(&consumer).await;
    let order = OrderId::generate();
    let event = confirmed_without_phone(order);
    let Outcome::Defer { after, reason } = deliver_one(&consumer, &event).await else {
        panic!("not deferred")
    };
    assert!(reason.contains("the circuit breaker is open"), "{reason}");
    assert!(after > Duration::ZERO && after < Duration::from_secs(3), "{after:?}");
    assert_eq!(mail.calls(), FAILURES_TO_OPEN);

    let mail = mail.with(None);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    assert_eq!(deliver_one(&consumer, &event).await, Outcome::Done);
    assert_eq!(mail.calls(), FAILURES_TO_OPEN + 1);
    assert_eq!(notifications.ids(order).await, ["order_confirmation#email"]);
}

#[tokio::test]
async fn the_breaker_of_one_provider_does_not_affect_the_other_channel() {
    let mail = FailingProvider::default().with(Some(unavailable()));
    let (notifications, consumer) = consumer(&mail).await;
    fail_until_open(&consumer).await;
    let order = OrderId::generate();
    let outcome = deliver_one(&consumer, &confirmed(order)).await;
    assert!(matches!(outcome, Outcome::Defer { .. }), "{outcome:?}");
    assert_eq!(notifications.ids(order).await, ["order_confirmation#sms"]);
}

#[tokio::test]
async fn failures_of_one_recipient_do_not_open_the_breaker() {
    for error in [
        ChannelError::RecipientUnavailable("mailbox busy".to_owned()),
        ChannelError::Refused("no such mailbox".to_owned()),
    ] {
        let mail = FailingProvider::default().with(Some(error.clone()));
        let (_notifications, consumer) = consumer(&mail).await;
        for _ in 0..2 * FAILURES_TO_OPEN {
            let outcome = deliver_one(&consumer, &confirmed_without_phone(OrderId::generate())).await;
            assert!(!matches!(outcome, Outcome::Defer { .. }), "{error}: {outcome:?}");
        }
        assert_eq!(mail.calls(), 2 * FAILURES_TO_OPEN);
    }
}
