//! Receives the messages of a queue in batches, for delivery to a function.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use orderflow_backoff::Backoff;
use orderflow_messaging::{ConsumerSwitch, RetryPolicy, Target};
use tokio::sync::watch;

use super::batch::{Batch, ConsumerContext, End};
use super::connection::close;
use super::names::queue;
use super::transfer::ConfirmingChannel;
use super::{RabbitError, RabbitMq};

/// The most messages of one batch.
const BATCH_MAX: u16 = 100;

/// How long a batch waits for further messages. Under load it is full before that.
const LINGER: Duration = Duration::from_millis(3);

/// The prefetch: one batch. The delivery count of every prefetched message grows when the process ends, so more would bring more messages into poison
/// isolation.
const PREFETCH: u16 = BATCH_MAX;

/// Poison isolation: the number of messages that are received one at a time after a batch with a message that must be received alone. With a larger
/// prefetch the delivery counts of its neighbours would grow with it.
const ONE_BY_ONE: u32 = 200;

/// The delays after consuming failed.
const RECONNECT: Backoff = Backoff::from_millis(100, 400, 6_400);

/// Delivers the messages of one queue to its function.
pub struct RabbitConsumer {
    /// The connection for consuming.
    pub consuming: Arc<RabbitMq>,
    /// The connection for publishing retries and dead letters.
    pub publishing: Arc<RabbitMq>,
    /// The consumer.
    pub consumer: &'static str,
    /// The consumer's function.
    pub target: Arc<dyn Target>,
    /// The retry policy.
    pub policy: RetryPolicy,
    /// Stops and starts deliveries.
    pub switch: ConsumerSwitch,
}

/// A running consumer.
struct Session {
    consumer: RabbitConsumer,
    transfers: ConfirmingChannel,
    stop: watch::Receiver<bool>,
    /// Consecutive failures.
    failures: u32,
    /// The number of messages that are still received one at a time. The first always is, because it can be what ended the previous process.
    one_by_one: u32,
}

/// Why consuming ended without an error.
enum Ended {
    Stopped,
    SwitchedOff,
    /// The prefetch has to be changed.
    PrefetchChanged,
}

impl RabbitConsumer {
    /// Consumes until `stop` is true; the batch in flight is completed first. Reconnects when the connection breaks.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let transfers = ConfirmingChannel::new(self.publishing.clone());
        Session { consumer: self, transfers, stop, failures: 0, one_by_one: 1 }.run().await;
    }
}

impl Session {
    async fn run(mut self) {
        while !*self.stop.borrow() {
            if self.consumer.switch.is_stopped(self.consumer.consumer) {
                self.wait_for_switch().await;
                continue;
            }
            match self.consume().await {
                Ok(Ended::Stopped) => return,
                Ok(Ended::SwitchedOff | Ended::PrefetchChanged) => {}
                Err(error) => self.recover(&error).await,
            }
        }
    }

    async fn wait_for_switch(&mut self) {
        let mut switched = self.consumer.switch.changes();
        tokio::select! {
            _ = switched.wait_for(|stopped| !stopped.contains(self.consumer.consumer)) => {}
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Waits, then declares exchange and queues again in case one was deleted.
    async fn recover(&mut self, error: &RabbitError) {
        tracing::warn!(service = self.consumer.consumer, %error, "queue cannot be consumed; trying again");
        self.failures += 1;
        let pause = RECONNECT.delay(self.failures);
        let declared = async {
            tokio::time::sleep(pause).await;
            self.consumer.consuming.declare_again().await
        };
        tokio::select! {
            declared = declared => if let Err(error) = declared {
                tracing::debug!(service = self.consumer.consumer, %error, "queues cannot be declared yet");
            },
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Consumes on one channel until consuming ends or the channel breaks.
    async fn consume(&mut self) -> Result<Ended, RabbitError> {
        let channel = tokio::select! {
            channel = self.consumer.consuming.channel() => channel?,
            _ = self.stop.wait_for(|stop| *stop) => return Ok(Ended::Stopped),
        };
        let ended = self.consume_on(&channel).await;
        // The broker redelivers unacknowledged messages to the next consumer.
        close(&channel).await;
        ended
    }

    async fn consume_on(&mut self, channel: &Channel) -> Result<Ended, RabbitError> {
        loop {
            let (prefetch, most) =
                if self.one_by_one > 0 { (1, 1) } else { (PREFETCH, usize::from(BATCH_MAX)) };
            channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            let name = queue(self.consumer.consumer);
            let mut deliveries =
                channel.basic_consume(name.as_str().into(), "".into(), options, arguments).await?;
            match self.work(channel, &mut deliveries, most).await? {
                // No message of the channel is unacknowledged, so the channel can be reused.
                Ended::PrefetchChanged if self.one_by_one == 0 => {
                    channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default()).await?;
                    while let Some(Some(delivery)) = deliveries.next().now_or_never() {
                        self.deliver(channel, &[delivery?]).await?;
                    }
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Delivers batches until consuming ends.
    async fn work(
        &mut self,
        channel: &Channel,
        deliveries: &mut lapin::Consumer,
        most: usize,
    ) -> Result<Ended, RabbitError> {
        let mut switched = self.consumer.switch.changes();
        loop {
            let first = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return Ok(Ended::Stopped),
                _ = switched.wait_for(|stopped| stopped.contains(self.consumer.consumer)) => return Ok(Ended::SwitchedOff),
                first = deliveries.next() => first,
            };
            let first = first
                .ok_or_else(|| RabbitError::Broken("the broker cancelled the consumer".to_owned()))??;
            let batch = gather(first, deliveries, most).await?;
            match self.deliver(channel, &batch).await? {
                End::Complete => self.failures = 0,
                End::Stopped => return Ok(Ended::Stopped),
                // The rest is redelivered with a prefetch of one.
                End::LeftIsolated => {
                    tracing::warn!(
                        service = self.consumer.consumer,
                        "a message may end this process; messages are received one at a time"
                    );
                    self.one_by_one = ONE_BY_ONE;
                    return Ok(Ended::PrefetchChanged);
                }
            }
            if self.one_by_one > 0 {
                self.one_by_one -= 1;
                if self.one_by_one == 0 {
                    return Ok(Ended::PrefetchChanged);
                }
            }
        }
    }

    async fn deliver(&self, channel: &Channel, deliveries: &[Delivery]) -> Result<End, RabbitError> {
        let _in_flight = self.consumer.consuming.in_flight(self.consumer.consumer).hold(deliveries.len());
        let RabbitConsumer { consumer, target, policy, .. } = &self.consumer;
        let context = ConsumerContext { consumer, target, policy, transfers: &self.transfers };
        Batch::new(context, channel, deliveries).deliver(self.stop.clone()).await
    }
}

/// Returns a batch: the first message and those that arrive within a few milliseconds.
async fn gather(
    first: Delivery,
    deliveries: &mut lapin::Consumer,
    most: usize,
) -> Result<Vec<Delivery>, RabbitError> {
    let mut batch = vec![first];
    let linger = tokio::time::sleep(LINGER);
    tokio::pin!(linger);
    while batch.len() < most {
        let next = match deliveries.next().now_or_never() {
            Some(next) => next,
            None => tokio::select! {
                next = deliveries.next() => next,
                () = &mut linger => break,
            },
        };
        match next {
            Some(delivery) => batch.push(delivery?),
            None => break,
        }
    }
    Ok(batch)
}
