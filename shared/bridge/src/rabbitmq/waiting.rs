//! The messages of a consumer that wait for delivery or for their retry.

use std::collections::HashMap;
use std::time::Duration;

use lapin::Channel;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::closing::close;
use super::headers::of_rewritten;
use super::names::{DELAY_TIERS, delay_queue, queue};
use super::transfer::{Transfer, publish};
use super::{RabbitError, RabbitMq};

/// The most messages of a queue that are looked at. Those behind them are delivered before long.
const MESSAGES_MAX: usize = 10_000;

/// The time limit for receiving a message. A queue that lost its leader delivers none.
const GET_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the bodies of the messages of a consumer, and leaves the messages in their queues.
pub(super) async fn read(broker: &RabbitMq, consumer: &str) -> Result<Vec<String>, RabbitError> {
    let mut bodies = Vec::new();
    for queue in queues(consumer) {
        let taken = Taken::take(broker, queue).await?;
        bodies.extend(taken.deliveries.iter().map(body));
        taken.give_back().await?;
    }
    Ok(bodies)
}

/// Replaces the bodies of messages of a consumer, each by the body under its own. Returns how many changed. An interrupted call leaves a message twice
/// at most, which consumers tolerate. A changed message in a delay queue waits for the whole delay again.
pub(super) async fn rewrite(
    broker: &RabbitMq,
    consumer: &str,
    replacements: &HashMap<String, String>,
) -> Result<usize, RabbitError> {
    let mut changed = 0;
    for queue in queues(consumer) {
        let taken = Taken::take(broker, queue).await?;
        for delivery in &taken.deliveries {
            if let Some(replacement) = replacements.get(&body(delivery)) {
                taken.replace(delivery, replacement).await?;
                changed += 1;
            }
        }
        taken.finish().await?;
    }
    Ok(changed)
}

fn queues(consumer: &str) -> impl Iterator<Item = String> {
    let delayed = DELAY_TIERS.iter().map(move |delay| delay_queue(consumer, *delay));
    // First the queues that a message leaves: it is then found in the next one.
    delayed.rev().chain([queue(consumer)])
}

fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.data).into_owned()
}

/// The messages of a queue, received on one channel. They return to the queue when the channel closes for any reason.
struct Taken {
    channel: Channel,
    queue: String,
    deliveries: Vec<Delivery>,
}

impl Drop for Taken {
    /// Closes the channel of a call that was broken off. The broker then returns the messages to their queue.
    fn drop(&mut self) {
        // Outside of a runtime the process is ending, which closes the connection.
        if self.channel.status().connected()
            && let Ok(runtime) = Handle::try_current()
        {
            let channel = self.channel.clone();
            runtime.spawn(async move { close(&channel).await });
        }
    }
}

impl Taken {
    async fn take(broker: &RabbitMq, queue: String) -> Result<Self, RabbitError> {
        let mut taken = Self { channel: broker.channel().await?, queue, deliveries: Vec::new() };
        let Some(BasicGetMessage { delivery, message_count }) = taken.get().await? else { return Ok(taken) };
        taken.deliveries.push(delivery);
        // Messages that arrive from now on are excluded, so that this ends.
        let others = usize::try_from(message_count).unwrap_or(usize::MAX).min(MESSAGES_MAX);
        for _ in 0..others {
            let Some(message) = taken.get().await? else { break };
            taken.deliveries.push(message.delivery);
        }
        Ok(taken)
    }

    async fn get(&self) -> Result<Option<BasicGetMessage>, RabbitError> {
        let answer = self.channel.basic_get(self.queue.as_str().into(), BasicGetOptions::default());
        let answer = timeout(GET_TIMEOUT, answer).await;
        Ok(answer.map_err(|_| RabbitError::Broken(format!("{} does not answer", self.queue)))??)
    }

    /// Puts the message into the queue again with another body, then removes it.
    async fn replace(&self, delivery: &Delivery, body: &str) -> Result<(), RabbitError> {
        let (queue, properties) = (self.queue.clone(), of_rewritten(delivery));
        publish(&self.channel, vec![Transfer { queue, body: body.as_bytes(), properties }]).await?;
        Ok(self.channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?)
    }

    /// Returns the remaining messages after the removals have reached the queue: the broker's channel holds acknowledgements back, and forgets them when it
    /// closes. It processes a `get` after them.
    async fn finish(mut self) -> Result<(), RabbitError> {
        for _ in 0..2 {
            if let Some(message) = self.get().await? {
                self.deliveries.push(message.delivery);
            }
        }
        self.give_back().await
    }

    async fn give_back(self) -> Result<(), RabbitError> {
        let all = 0;
        let given = self.channel.basic_nack(all, BasicNackOptions { multiple: true, requeue: true }).await;
        close(&self.channel).await;
        Ok(given?)
    }
}
