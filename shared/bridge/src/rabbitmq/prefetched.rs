//! The messages that the broker has sent to a consumer ahead of their delivery.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::types::ShortString;

use super::RabbitError;
use super::in_flight::{Held, InFlight};

/// How long a batch waits for further messages. Under load it is full before that.
const LINGER: Duration = Duration::from_millis(3);

/// Stores the messages of a subscription until they are delivered, and counts them as in flight.
///
/// The client reports the end of a subscription exactly once, at any time. It is stored here, so that it is noticed even if it arrives
/// while a batch is gathered or delivered.
pub(super) struct Prefetched {
    subscription: lapin::Consumer,
    waiting: VecDeque<Received>,
    end: Option<SubscriptionEnd>,
    in_flight: InFlight,
}

struct Received {
    delivery: Delivery,
    held: Held,
}

enum SubscriptionEnd {
    /// The broker cancelled it, as when the queue is deleted. The messages that were received before are delivered: the broker may no
    /// longer have them.
    Cancelled,
    /// The channel is closed. The broker redelivers what is not acknowledged.
    Broken(RabbitError),
}

/// Messages that are delivered together. They count as in flight until this is dropped.
pub(super) struct Gathered {
    pub deliveries: Vec<Delivery>,
    _held: Vec<Held>,
}

impl Prefetched {
    pub(super) fn new(subscription: lapin::Consumer, in_flight: InFlight) -> Self {
        Self { subscription, waiting: VecDeque::new(), end: None, in_flight }
    }

    /// Returns the tag of the subscription.
    pub(super) fn tag(&self) -> ShortString {
        self.subscription.tag()
    }

    /// Receives what arrives, without an end. Nothing is lost if the future is dropped.
    pub(super) async fn receive(&mut self) -> Infallible {
        while self.end.is_none() {
            let next = self.subscription.next().await;
            self.store(next);
        }
        std::future::pending().await
    }

    /// Returns a batch: the next message and those that arrive within a few milliseconds, at most `most`. Nothing is lost if the future is
    /// dropped.
    ///
    /// # Errors
    /// [`RabbitError`] if the subscription has ended.
    pub(super) async fn next_batch(&mut self, most: usize) -> Result<Gathered, RabbitError> {
        while self.waiting.is_empty() {
            self.check()?;
            let next = self.subscription.next().await;
            self.store(next);
        }
        let linger = tokio::time::sleep(LINGER);
        tokio::pin!(linger);
        while self.waiting.len() < most && self.end.is_none() {
            tokio::select! {
                biased;
                next = self.subscription.next() => self.store(next),
                () = &mut linger => break,
            }
        }
        if let Some(SubscriptionEnd::Broken(error)) = &self.end {
            return Err(error.clone());
        }
        Ok(self.take(most))
    }

    /// Returns what was received before the subscription was cancelled.
    pub(super) fn leftovers(&mut self) -> Gathered {
        while self.end.is_none()
            && let Some(next) = self.subscription.next().now_or_never()
        {
            self.store(next);
        }
        self.take(usize::MAX)
    }

    fn take(&mut self, most: usize) -> Gathered {
        let taken = self.waiting.drain(..most.min(self.waiting.len()));
        let (deliveries, held) = taken.map(|Received { delivery, held }| (delivery, held)).unzip();
        Gathered { deliveries, _held: held }
    }

    fn store(&mut self, next: Option<Result<Delivery, lapin::Error>>) {
        match next {
            Some(Ok(delivery)) => {
                let held = self.in_flight.hold(1);
                self.waiting.push_back(Received { delivery, held });
            }
            Some(Err(error)) => self.end = Some(SubscriptionEnd::Broken(error.into())),
            None => self.end = Some(SubscriptionEnd::Cancelled),
        }
    }

    fn check(&self) -> Result<(), RabbitError> {
        match &self.end {
            None => Ok(()),
            Some(SubscriptionEnd::Cancelled) => {
                Err(RabbitError::Broken("the broker cancelled the consumer".to_owned()))
            }
            Some(SubscriptionEnd::Broken(error)) => Err(error.clone()),
        }
    }
}
