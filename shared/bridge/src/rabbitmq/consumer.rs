//! From a queue to its function.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use orderflow_messaging::RetryPolicy;
use tokio::sync::watch;

use super::batch::{Batch, Settled};
use super::confirming::ConfirmingChannel;
use super::connection::close;
use super::names::queue;
use super::{RabbitError, RabbitMq};
use crate::{ConsumerSwitch, Target};

/// The most messages of one batch.
const MAX_BATCH: usize = 100;

/// How long a batch waits for company. Under load it is full before that.
const LINGER: Duration = Duration::from_millis(3);

/// Messages that the broker sends ahead of acknowledgements: one batch. Whatever else it sent would share the fate of a process that dies over
/// this one.
const PREFETCH: u16 = 100;

/// Messages that are taken one by one once one of them is suspected of ending its consumer. Whatever is sent ahead shares the fate of what is in
/// hand, and would come to be suspected with it.
const CAREFUL: u32 = 200;

/// Hands the messages of one queue to its function.
pub struct RabbitConsumer {
    /// The connection to consume over.
    pub consuming: Arc<RabbitMq>,
    /// The connection to publish over what has to wait, and what is given up.
    pub publishing: Arc<RabbitMq>,
    /// Whose queue it is.
    pub consumer: &'static str,
    /// The function.
    pub target: Arc<dyn Target>,
    /// When failed deliveries come again.
    pub policy: RetryPolicy,
    /// Stops it for a while.
    pub switch: ConsumerSwitch,
}

/// A consumer at work.
pub(super) struct Session {
    pub consumer: RabbitConsumer,
    pub moves: ConfirmingChannel,
    stop: watch::Receiver<bool>,
    /// Failures in a row.
    failures: u32,
    /// How many messages are still to be taken one by one. The first always is: it may be what ended the process before this one.
    careful: u32,
}

/// Why consuming ended well.
enum Ended {
    Stopped,
    SwitchedOff,
    /// Messages are taken in another number from now on.
    Again,
}

impl RabbitConsumer {
    /// Consumes until told to stop; what is in hand then is settled first. Connects again when the connection breaks.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let moves = ConfirmingChannel::new(self.publishing.clone());
        Session { consumer: self, moves, stop, failures: 0, careful: 1 }.run().await;
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
                Ok(Ended::SwitchedOff | Ended::Again) => {}
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

    /// Waits a while, and declares everything again: somebody may have deleted what was missing.
    async fn recover(&mut self, error: &RabbitError) {
        tracing::warn!(service = self.consumer.consumer, %error, "the queue cannot be consumed; trying again");
        self.failures += 1;
        let pause = crate::RECONNECT.delay(self.failures);
        let declared = async {
            tokio::time::sleep(pause).await;
            self.consumer.consuming.declare_again().await
        };
        tokio::select! {
            declared = declared => if let Err(error) = declared {
                tracing::debug!(service = self.consumer.consumer, %error, "the queues cannot be declared yet");
            },
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Consumes on one channel until it breaks.
    async fn consume(&mut self) -> Result<Ended, RabbitError> {
        let channel = tokio::select! {
            channel = self.consumer.consuming.channel() => channel?,
            _ = self.stop.wait_for(|stop| *stop) => return Ok(Ended::Stopped),
        };
        let ended = self.consume_on(&channel).await;
        // The broker gives what is not acknowledged to the next consumer.
        close(&channel).await;
        ended
    }

    async fn consume_on(&mut self, channel: &Channel) -> Result<Ended, RabbitError> {
        loop {
            let (prefetch, most) = if self.careful > 0 { (1, 1) } else { (PREFETCH, MAX_BATCH) };
            channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            let name = queue(self.consumer.consumer);
            let mut deliveries =
                channel.basic_consume(name.as_str().into(), "".into(), options, arguments).await?;
            match self.work(channel, &mut deliveries, most).await? {
                // Nothing is left unacknowledged on the channel, so that it can go on.
                Ended::Again if self.careful == 0 => {
                    channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default()).await?;
                    while let Some(Some(delivery)) = deliveries.next().now_or_never() {
                        self.settle(channel, &[delivery?]).await?;
                    }
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Deals with batch after batch.
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
            let first =
                first.ok_or_else(|| RabbitError::Broken("the broker ended the consumer".to_owned()))??;
            let batch = gather(first, deliveries, most).await?;
            match self.settle(channel, &batch).await? {
                Settled::All => self.failures = 0,
                Settled::Stopped => return Ok(Ended::Stopped),
                // They come again, each for itself.
                Settled::AllButSuspects => {
                    tracing::warn!(
                        service = self.consumer.consumer,
                        "a message seems to end this process; messages are taken one by one"
                    );
                    self.careful = CAREFUL;
                    return Ok(Ended::Again);
                }
            }
            if self.careful > 0 {
                self.careful -= 1;
                if self.careful == 0 {
                    return Ok(Ended::Again);
                }
            }
        }
    }

    async fn settle(&self, channel: &Channel, deliveries: &[Delivery]) -> Result<Settled, RabbitError> {
        let _held = self.consumer.consuming.in_flight(self.consumer.consumer).hold(deliveries.len());
        Batch::new(self, channel, deliveries).settle(self.stop.clone()).await
    }
}

/// A batch: the first message and whoever comes within moments.
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
