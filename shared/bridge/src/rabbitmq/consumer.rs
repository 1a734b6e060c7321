//! Receives the messages of a queue in batches, for delivery to a function.

use std::sync::Arc;
use std::time::Duration;

use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use orderflow_backoff::{Backoff, OutageObserver};
use orderflow_messaging::{ConsumerSwitch, RetryPolicy, Target};
use tokio::sync::watch;
use tokio::time::timeout;

use super::batch::{Batch, ConsumerContext, End};
use super::closing::close;
use super::names::queue;
use super::prefetched::Prefetched;
use super::refusal::Permission;
use super::transfer::ConfirmingChannel;
use super::{RabbitError, RabbitMq};

/// The most messages of one batch.
const BATCH_MAX: u16 = 100;

/// The prefetch: one batch. The delivery count of every prefetched message grows when the process ends, so more would bring more messages into poison
/// isolation.
const PREFETCH: u16 = BATCH_MAX;

/// Poison isolation: the number of messages that are received one at a time after a batch with a message that must be received alone. With a larger
/// prefetch the delivery counts of its neighbours would grow with it.
const ONE_BY_ONE: u32 = 200;

/// The delays after consuming failed.
const RECONNECT: Backoff = Backoff::from_millis(100, 400, 3_200);

/// The time that the broker may take to accept a subscription. A queue without a leader does not answer.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(10);

/// After this long without a message, the queue is subscribed to again, on a new channel. A queue that was deleted and declared again within milliseconds keeps
/// its subscriptions on RabbitMQ 3.10 and may deliver nothing to them, without an end of the subscription.
const IDLE_MAX: Duration = Duration::from_secs(4);

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
    /// Reports failures together with the other tasks that consume the queue.
    interruption: OutageObserver,
    /// The number of messages that are still received one at a time. The first always is, because it can be what ended the previous process.
    one_by_one: u32,
}

/// Why consuming ended without an error.
enum Ended {
    Stopped,
    SwitchedOff,
    /// No message came for [`IDLE_MAX`].
    Idle,
    /// The prefetch has to be changed.
    PrefetchChanged,
}

impl RabbitConsumer {
    /// Consumes until `stop` is true; the batch in flight is completed first. Reconnects when the connection breaks.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let transfers = ConfirmingChannel::new(self.publishing.clone());
        let interruption = self.consuming.interruption(self.consumer);
        Session { consumer: self, transfers, stop, failures: 0, interruption, one_by_one: 1 }.run().await;
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
                Ok(Ended::SwitchedOff | Ended::Idle | Ended::PrefetchChanged) => {}
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
        if let RabbitError::Refused(refusal) = error {
            self.consumer.consuming.rights().lacks(refusal);
        // The connection logs its loss and its return.
        } else if self.consumer.consuming.is_connected() && self.interruption.fails() {
            tracing::warn!(service = self.consumer.consumer, %error, "queue cannot be consumed; trying again");
        }
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
            let subscribed = timeout(SUBSCRIBE_TIMEOUT, self.subscribe(channel, prefetch)).await;
            let mut prefetched = subscribed.map_err(|_| self.unanswered())??;
            if self.interruption.works() {
                tracing::info!(service = self.consumer.consumer, "queue is consumed again");
            }
            match self.work(channel, &mut prefetched, most).await? {
                // No message of the channel is unacknowledged, so the channel can be reused.
                Ended::PrefetchChanged if self.one_by_one == 0 => {
                    self.unsubscribe(channel, prefetched).await?
                }
                Ended::Idle => {
                    self.unsubscribe(channel, prefetched).await?;
                    return Ok(Ended::Idle);
                }
                ended => return Ok(ended),
            }
        }
    }

    async fn subscribe(&self, channel: &Channel, prefetch: u16) -> Result<Prefetched, RabbitError> {
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let name = queue(self.consumer.consumer);
        let subscription = channel.basic_consume(name.as_str().into(), "".into(), options, arguments).await?;
        self.consumer.consuming.rights().has(Permission::Read, &name);
        Ok(Prefetched::new(subscription, self.consumer.consuming.in_flight(self.consumer.consumer)))
    }

    /// Ends a subscription and delivers what came meanwhile, so that no message of the channel is unacknowledged.
    async fn unsubscribe(&self, channel: &Channel, mut prefetched: Prefetched) -> Result<(), RabbitError> {
        let options = BasicCancelOptions::default();
        let cancelled = timeout(SUBSCRIBE_TIMEOUT, channel.basic_cancel(prefetched.tag(), options)).await;
        cancelled.map_err(|_| self.unanswered())??;
        let left = prefetched.leftovers();
        for delivery in &left.deliveries {
            self.deliver(channel, std::slice::from_ref(delivery)).await?;
        }
        Ok(())
    }

    fn unanswered(&self) -> RabbitError {
        RabbitError::Broken(format!("{} does not answer", queue(self.consumer.consumer)))
    }

    /// Delivers batches until consuming ends.
    async fn work(
        &mut self,
        channel: &Channel,
        prefetched: &mut Prefetched,
        most: usize,
    ) -> Result<Ended, RabbitError> {
        let mut switched = self.consumer.switch.changes();
        loop {
            let batch = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return Ok(Ended::Stopped),
                _ = switched.wait_for(|stopped| stopped.contains(self.consumer.consumer)) => return Ok(Ended::SwitchedOff),
                batch = timeout(IDLE_MAX, prefetched.next_batch(most)) => batch,
            };
            let Ok(batch) = batch else {
                self.failures = 0;
                return Ok(Ended::Idle);
            };
            let batch = batch?;
            let end = tokio::select! {
                biased;
                end = self.deliver(channel, &batch.deliveries) => end,
                never = prefetched.receive() => match never {},
            };
            drop(batch);
            match end? {
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
        let RabbitConsumer { consumer, target, policy, .. } = &self.consumer;
        let context = ConsumerContext { consumer, target, policy, transfers: &self.transfers };
        Batch::new(context, channel, deliveries).deliver(self.stop.clone()).await
    }
}
