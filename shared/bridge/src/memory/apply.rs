//! Makes decisions durable, then applies them to the queues in memory.

use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::{Attempt, AttemptHistory, Disposition, report_unstored};
use orderflow_store::{StoreError, Write};

use super::{MemoryBroker, Message, Origin};
use crate::{DeadLetterRow, Delayed};

/// The delay of a message whose decision could not be stored.
const NOT_STORED_DELAY: Duration = Duration::from_millis(250);

/// The durable form of a decision.
pub(super) enum Row {
    /// The message is done.
    None,
    /// The message waits for its retry.
    Delayed(Box<Delayed>),
    /// The message is a dead letter.
    DeadLetter(Box<DeadLetterRow>),
}

/// A message with the decision about it.
pub(super) struct Decided {
    pub message: Message,
    /// Its attempts, with the present one.
    pub history: AttemptHistory,
    pub disposition: Disposition,
    /// The reason of the outcome.
    pub reason: String,
    pub row: Row,
}

/// A decision, and whether its row is stored so far.
type Applying = (Decided, Result<(), StoreError>);

impl MemoryBroker {
    /// Stores the rows of decided messages, then reports the decisions and acknowledges the messages. A message whose row cannot be stored stays where
    /// it is stored now, and is delivered again from memory.
    ///
    /// The previous row of a message is deleted only after its new row is durable, so that a message is stored at any moment.
    pub(super) async fn apply(&self, consumer: &'static str, decided: Vec<Decided>, now: Timestamp) {
        let count = decided.len();
        let mut applying: Vec<Applying> = decided.into_iter().map(|decided| (decided, Ok(()))).collect();
        self.write_all(&mut applying, |_, row| self.write(row)).await;
        self.write_all(&mut applying, |message, row| Ok(self.delete_previous(consumer, message, row))).await;
        for (Decided { message, history, disposition, reason, row }, stored) in applying {
            let attempt = Attempt { consumer, body: &message.body, history };
            match stored {
                Ok(()) => {
                    disposition.report(&attempt, &reason);
                    self.release(consumer, message, row);
                }
                Err(error) => {
                    report_unstored(&attempt, &error);
                    self.with_queue(consumer, |queue| queue.delay(message, now.plus(NOT_STORED_DELAY)));
                }
            }
        }
        self.with_queue(consumer, |queue| queue.complete(count));
        self.announce(consumer);
    }

    /// Sends the write of each message that has one and whose earlier writes succeeded. Each message has rows of its own, so the writes are
    /// independent.
    async fn write_all(
        &self,
        applying: &mut [Applying],
        write: impl Fn(&Message, &Row) -> Result<Option<Write>, StoreError>,
    ) {
        let (mut results, mut writes) = (Vec::new(), Vec::new());
        for (decided, stored) in applying.iter_mut().filter(|(_, stored)| stored.is_ok()) {
            match write(&decided.message, &decided.row) {
                Ok(None) => {}
                Ok(Some(write)) => {
                    writes.push(write);
                    results.push(stored);
                }
                Err(error) => *stored = Err(error),
            }
        }
        for (stored, result) in results.into_iter().zip(self.runtime.write_each(writes).await) {
            *stored = result;
        }
    }

    fn write(&self, row: &Row) -> Result<Option<Write>, StoreError> {
        match row {
            Row::None => Ok(None),
            Row::Delayed(row) => self.runtime.write_delayed(row).map(Some),
            Row::DeadLetter(row) => self.runtime.write_dead_letter(row).map(Some),
        }
    }

    /// Returns the write that deletes the row in which the message was delayed before, unless the new row has replaced it.
    fn delete_previous(&self, consumer: &str, message: &Message, row: &Row) -> Option<Write> {
        match (&message.origin, row) {
            (Origin::Stream { .. }, _) | (Origin::Delayed { .. }, Row::Delayed(_)) => None,
            (Origin::Delayed { key }, Row::None | Row::DeadLetter(_)) => {
                Some(self.runtime.delete_delayed(consumer, key))
            }
        }
    }

    /// Releases a message from its stream batch after its decision is durable, and queues its retry.
    fn release(&self, consumer: &str, message: Message, row: Row) {
        if let Row::Delayed(row) = row {
            let due = row.due;
            self.with_queue(consumer, |queue| queue.delay(Message::from(*row), due));
        }
        if let Origin::Stream { in_flight, .. } = message.origin {
            in_flight.complete();
        }
    }
}
