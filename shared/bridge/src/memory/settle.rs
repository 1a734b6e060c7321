//! Making durable what became of each message.

use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_store::{StoreError, Write};

use super::{MemoryBroker, Message, Origin};
use crate::{DeadLetterRow, Delayed};

/// How long a message waits whose fate could not be written down.
const UNWRITTEN_DELAY: Duration = Duration::from_millis(250);

/// What becomes of a message.
pub(super) enum Fate {
    Done,
    Delayed(Box<Delayed>),
    Dead(Box<DeadLetterRow>),
}

/// A message, its fate, and whether that is written down so far.
type Settling = (Message, Fate, Result<(), StoreError>);

impl MemoryBroker {
    /// Writes the fates down, then lets the stream's mark pass. Whatever cannot be written down stays where it is kept now and comes
    /// again from memory.
    ///
    /// A row is deleted only once what follows it is durable, so that a message is always kept somewhere.
    pub(super) async fn settle(&self, consumer: &'static str, settled: Vec<(Message, Fate)>, now: Timestamp) {
        let count = settled.len();
        let mut settling: Vec<Settling> =
            settled.into_iter().map(|(message, fate)| (message, fate, Ok(()))).collect();
        self.write_all(&mut settling, |_, fate| self.record(fate)).await;
        self.write_all(&mut settling, |message, fate| Ok(self.previous_row(consumer, message, fate))).await;
        for (message, fate, written) in settling {
            match written {
                Ok(()) => self.release(consumer, message, fate),
                Err(error) => {
                    tracing::error!(service = consumer, %error, "a message's fate cannot be written down; it comes again");
                    self.with_queue(consumer, |queue| queue.delay(message, now.plus(UNWRITTEN_DELAY)));
                }
            }
        }
        self.with_queue(consumer, |queue| queue.settled(count));
        self.announce(consumer);
    }

    /// Sends the write that each message needs, if any and if all went well with it so far. Each message has its own rows, so that
    /// the writes are independent.
    async fn write_all(
        &self,
        settling: &mut [Settling],
        write: impl Fn(&Message, &Fate) -> Result<Option<Write>, StoreError>,
    ) {
        let (mut results, mut writes) = (Vec::new(), Vec::new());
        for (message, fate, written) in settling.iter_mut().filter(|(.., written)| written.is_ok()) {
            match write(message, fate) {
                Ok(None) => {}
                Ok(Some(write)) => {
                    writes.push(write);
                    results.push(written);
                }
                Err(error) => *written = Err(error),
            }
        }
        for (written, result) in results.into_iter().zip(self.runtime.write_each(writes).await) {
            *written = result;
        }
    }

    /// What makes a fate durable.
    fn record(&self, fate: &Fate) -> Result<Option<Write>, StoreError> {
        match fate {
            Fate::Done => Ok(None),
            Fate::Delayed(row) => self.runtime.write_delayed(row).map(Some),
            Fate::Dead(row) => self.runtime.write_dead_letter(row).map(Some),
        }
    }

    /// What takes away the row that kept the message until now.
    fn previous_row(&self, consumer: &str, message: &Message, fate: &Fate) -> Option<Write> {
        match (&message.origin, fate) {
            (Origin::Stream { .. }, _) | (Origin::Delayed { .. }, Fate::Delayed(_)) => None,
            (Origin::Delayed { key }, Fate::Done | Fate::Dead(_)) => {
                Some(self.runtime.delete_delayed(consumer, key))
            }
        }
    }

    /// Takes a message whose fate is durable from what kept it until now.
    fn release(&self, consumer: &str, message: Message, fate: Fate) {
        if let Fate::Delayed(row) = fate {
            let due = row.due;
            self.with_queue(consumer, |queue| queue.delay(Message::from(*row), due));
        }
        if let Origin::Stream { in_flight, .. } = message.origin {
            in_flight.complete();
        }
    }
}
