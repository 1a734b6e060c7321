//! Holding the dead letters of a consumer while somebody deals with them.

use std::time::Duration;

use futures::StreamExt;
use lapin::Channel;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicQosOptions,
};
use lapin::types::FieldTable;
use tokio::time::timeout;

use super::connection::close;
use super::in_flight::{Held, InFlight};
use super::moves::{Move, publish};
use super::names::dead_letter_queue;
use super::{RabbitError, RabbitMq};

/// How long the broker may take to hand out a message. A queue that lost its leader hands out none.
const GET_TIMEOUT: Duration = Duration::from_secs(30);

/// How long no message may come before the broker is asked whether there is one.
const IDLE: Duration = Duration::from_millis(250);

/// How often in a row it may say that there is none before that is believed: what is on its way here is none to it any more, and a busy broker
/// may take seconds to send thousands.
const LOOKS: usize = 20;

/// The dead letters of one consumer, held by one channel. What is not acknowledged goes back to its place when the channel closes,
/// however it comes to that.
pub(super) struct DeadLetters {
    channel: Channel,
    queue: String,
    held: InFlight,
    letters: Vec<Letter>,
}

/// One of them.
pub(super) struct Letter {
    pub delivery: Delivery,
    _held: Held,
}

impl DeadLetters {
    /// Takes all there are, and counts them in `held`. Declares what is missing.
    pub(super) async fn take(
        broker: &RabbitMq,
        consumer: &str,
        held: &InFlight,
    ) -> Result<Self, RabbitError> {
        match Self::try_take(broker, consumer, held).await {
            // A missing queue breaks the channel.
            Err(RabbitError::Broken(_)) => {
                broker.declare_again().await?;
                Self::try_take(broker, consumer, held).await
            }
            taken => taken,
        }
    }

    async fn try_take(broker: &RabbitMq, consumer: &str, held: &InFlight) -> Result<Self, RabbitError> {
        let channel = broker.channel().await?;
        let (queue, held) = (dead_letter_queue(consumer), held.clone());
        let mut taken = Self { channel, queue, held, letters: Vec::new() };
        if let Some(BasicGetMessage { delivery, message_count }) = taken.get().await? {
            taken.hold(delivery);
            // What dies from now on is not meant: it may be what was just replayed.
            taken.take_others(message_count).await?;
        }
        Ok(taken)
    }

    fn hold(&mut self, delivery: Delivery) {
        let letter = Letter { delivery, _held: self.held.hold(1) };
        self.letters.push(letter);
    }

    /// Has the broker hand out this many more.
    async fn take_others(&mut self, count: u32) -> Result<(), RabbitError> {
        let mut left = count;
        while left > 0 {
            let ahead = u16::try_from(left).unwrap_or(u16::MAX);
            if !self.take_ahead(ahead).await? {
                return Ok(());
            }
            left -= u32::from(ahead);
        }
        Ok(())
    }

    /// Consumes as many as the broker hands out ahead of acknowledgements. False where no more are left: somebody else takes some too.
    async fn take_ahead(&mut self, ahead: u16) -> Result<bool, RabbitError> {
        self.channel.basic_qos(ahead, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let queue = self.queue.as_str().into();
        let mut consumer = self.channel.basic_consume(queue, "".into(), options, arguments).await?;
        let expected = self.letters.len() + usize::from(ahead);
        while self.letters.len() < expected
            && let Some(delivery) = self.next(&mut consumer).await?
        {
            self.hold(delivery);
        }
        self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
        Ok(self.letters.len() >= expected)
    }

    /// The next one that a consumer is given; none where no more are left.
    async fn next(&self, consumer: &mut lapin::Consumer) -> Result<Option<Delivery>, RabbitError> {
        for _ in 0..LOOKS {
            if let Ok(next) = timeout(IDLE, consumer.next()).await {
                let ended = || RabbitError::Broken("the broker ended the consumer".to_owned());
                return Ok(Some(next.ok_or_else(ended)??));
            }
            if let Some(message) = self.get().await? {
                return Ok(Some(message.delivery));
            }
        }
        Ok(None)
    }

    async fn get(&self) -> Result<Option<BasicGetMessage>, RabbitError> {
        let queue = self.queue.as_str().into();
        let answer = timeout(GET_TIMEOUT, self.channel.basic_get(queue, BasicGetOptions::default())).await;
        Ok(answer.map_err(|_| RabbitError::Broken(format!("{} does not answer", self.queue)))??)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Letter> {
        self.letters.iter()
    }

    /// Has the broker keep these messages elsewhere before the letters that they come from are acknowledged.
    pub(super) async fn publish(&self, moves: Vec<Move<'_>>) -> Result<(), RabbitError> {
        publish(&self.channel, moves).await
    }

    /// Takes a letter from its queue for good.
    pub(super) async fn remove(&self, letter: &Letter) -> Result<(), RabbitError> {
        Ok(self.channel.basic_ack(letter.delivery.delivery_tag, BasicAckOptions::default()).await?)
    }

    /// Gives back what is left, once what was removed is gone for good.
    ///
    /// The broker's channel keeps acknowledgements back while many are under way (32), and forgets them when it closes: their letters would
    /// return. What is asked of the queue comes behind all that was under way, and the next question behind what was kept back until then.
    pub(super) async fn finish(mut self) -> Result<(), RabbitError> {
        for _ in 0..2 {
            if let Some(message) = self.get().await? {
                self.hold(message.delivery);
            }
        }
        self.give_back().await
    }

    /// Gives back what is left.
    pub(super) async fn give_back(self) -> Result<(), RabbitError> {
        let all = 0;
        let given = self.channel.basic_nack(all, BasicNackOptions { multiple: true, requeue: true }).await;
        close(&self.channel).await;
        Ok(given?)
    }
}
