//! Holds the dead letters of a consumer while one caller reads, replaces, purges or replays them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::Channel;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicQosOptions,
};
use lapin::types::FieldTable;
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use super::closing::close;
use super::in_flight::{Held, InFlight};
use super::names::dead_letter_queue;
use super::transfer::{Transfer, publish};
use super::{RabbitError, RabbitMq};

/// The time limit for receiving a message. A queue that lost its leader delivers none.
const GET_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause in deliveries after which the broker is asked for a further message.
const IDLE: Duration = Duration::from_millis(250);

/// The number of consecutive empty answers that mean that the queue is empty: messages on their way to this process are no longer in the queue, and a busy
/// broker can take seconds to send thousands.
const EMPTY_ANSWERS: usize = 20;

/// The dead letters of one consumer, received on one channel. Letters that are not acknowledged return to their positions when the channel closes for
/// any reason.
pub(super) struct HeldDeadLetters {
    channel: Channel,
    queue: String,
    held: InFlight,
    letters: Vec<HeldDeadLetter>,
    /// Letters that were visited and are not kept.
    visited: Vec<Held>,
    is_given_back: bool,
    /// Admits the next session when this one has returned its letters.
    turn: Arc<OwnedMutexGuard<()>>,
}

/// Called with each dead letter instead of keeping it.
pub(super) type Visit<'a> = &'a mut (dyn FnMut(&Delivery) + Send);

/// A dead letter in a session.
pub(super) struct HeldDeadLetter {
    pub delivery: Delivery,
    _held: Held,
}

impl HeldDeadLetters {
    /// Receives all dead letters and counts them in `held`. Declares missing queues. Keeps the turn until the letters are returned. With `visit`, no letter
    /// stays in memory.
    pub(super) async fn take(
        broker: &RabbitMq,
        consumer: &str,
        held: &InFlight,
        turn: OwnedMutexGuard<()>,
        mut visit: Option<Visit<'_>>,
    ) -> Result<Self, RabbitError> {
        let turn = Arc::new(turn);
        match Self::try_take(broker, consumer, held, turn.clone(), &mut visit).await {
            // A missing queue closes the channel.
            Err(RabbitError::Broken(_)) => {
                broker.declare_again().await?;
                Self::try_take(broker, consumer, held, turn, &mut visit).await
            }
            taken => taken,
        }
    }

    async fn try_take(
        broker: &RabbitMq,
        consumer: &str,
        held: &InFlight,
        turn: Arc<OwnedMutexGuard<()>>,
        visit: &mut Option<Visit<'_>>,
    ) -> Result<Self, RabbitError> {
        let channel = broker.channel().await?;
        let (queue, held) = (dead_letter_queue(consumer), held.clone());
        let (letters, visited) = (Vec::new(), Vec::new());
        let mut taken = Self { channel, queue, held, letters, visited, is_given_back: false, turn };
        if let Some(BasicGetMessage { delivery, message_count }) = taken.get().await? {
            taken.receive(delivery, visit);
            // Messages dead-lettered from now on are excluded: they can be letters that were just replayed.
            taken.take_others(message_count, visit).await?;
        }
        Ok(taken)
    }

    fn receive(&mut self, delivery: Delivery, visit: &mut Option<Visit<'_>>) {
        match visit {
            Some(visit) => {
                visit(&delivery);
                self.visited.push(self.held.hold(1));
            }
            None => self.hold(delivery),
        }
    }

    fn received(&self) -> usize {
        self.letters.len() + self.visited.len()
    }

    fn hold(&mut self, delivery: Delivery) {
        let letter = HeldDeadLetter { delivery, _held: self.held.hold(1) };
        self.letters.push(letter);
    }

    /// Receives this many more letters.
    async fn take_others(&mut self, count: u32, visit: &mut Option<Visit<'_>>) -> Result<(), RabbitError> {
        let mut left = count;
        while left > 0 {
            let ahead = u16::try_from(left).unwrap_or(u16::MAX);
            if !self.take_ahead(ahead, visit).await? {
                return Ok(());
            }
            left -= u32::from(ahead);
        }
        Ok(())
    }

    /// Consumes as many letters as the prefetch allows. Returns false if the queue is empty before, as when another process receives some too.
    async fn take_ahead(&mut self, ahead: u16, visit: &mut Option<Visit<'_>>) -> Result<bool, RabbitError> {
        self.channel.basic_qos(ahead, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let queue = self.queue.as_str().into();
        let mut consumer = self.channel.basic_consume(queue, "".into(), options, arguments).await?;
        let expected = self.received() + usize::from(ahead);
        while self.received() < expected
            && let Some(delivery) = self.next(&mut consumer).await?
        {
            self.receive(delivery, visit);
        }
        self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
        Ok(self.received() >= expected)
    }

    /// Returns the next letter; `None` if the queue is empty.
    async fn next(&self, consumer: &mut lapin::Consumer) -> Result<Option<Delivery>, RabbitError> {
        for _ in 0..EMPTY_ANSWERS {
            if let Ok(next) = timeout(IDLE, consumer.next()).await {
                let ended = || RabbitError::Broken("the broker cancelled the consumer".to_owned());
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

    pub(super) fn iter(&self) -> impl Iterator<Item = &HeldDeadLetter> {
        self.letters.iter()
    }

    /// Publishes transfers and waits for their confirms. Their letters may be acknowledged afterwards.
    pub(super) async fn publish(&self, transfers: Vec<Transfer<'_>>) -> Result<(), RabbitError> {
        publish(&self.channel, transfers).await
    }

    /// Removes a letter from its queue.
    pub(super) async fn remove(&self, letter: &HeldDeadLetter) -> Result<(), RabbitError> {
        Ok(self.channel.basic_ack(letter.delivery.delivery_tag, BasicAckOptions::default()).await?)
    }

    /// Returns the remaining letters after the removals have reached the queue.
    ///
    /// The broker's channel holds acknowledgements back while 32 are pending and forgets them when it closes, so that their letters would return. A `get`
    /// is processed after the pending acknowledgements, and a second `get` after those that were held back until the first.
    pub(super) async fn finish(mut self) -> Result<(), RabbitError> {
        for _ in 0..2 {
            if let Some(message) = self.get().await? {
                self.hold(message.delivery);
            }
        }
        self.give_back().await
    }

    /// Returns the remaining letters to their queue.
    pub(super) async fn give_back(mut self) -> Result<(), RabbitError> {
        let all = 0;
        let given = self.channel.basic_nack(all, BasicNackOptions { multiple: true, requeue: true }).await;
        close(&self.channel).await;
        self.is_given_back = true;
        Ok(given?)
    }
}

impl Drop for HeldDeadLetters {
    /// Closes the channel of a session that was broken off, as when the client of a request disconnects. The broker then returns the letters
    /// to their queue. Until that is done, they count as held and the next session waits.
    fn drop(&mut self) {
        if self.is_given_back {
            return;
        }
        let letters = (std::mem::take(&mut self.letters), std::mem::take(&mut self.visited));
        let (channel, turn) = (self.channel.clone(), self.turn.clone());
        // Outside of a runtime the process is ending, which closes the connection.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                close(&channel).await;
                drop((letters, turn));
            });
        }
    }
}
