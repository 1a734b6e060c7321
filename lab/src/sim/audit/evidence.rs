//! What the auditor may know: what the outside of the system saw, and what the tables held after every commit.

use std::collections::BTreeMap;

use serde_json::Value;

/// When something happened in a simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The position in the order of everything that happened. What happens at once, such as the writes of one transaction, shares it.
    pub step: u64,
    /// Simulated milliseconds since the start, on the clock that never jumps.
    pub at_ms: u64,
}

/// A request to the HTTP interface, and its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// When the request was sent.
    pub sent: Moment,
    /// When the answer arrived; for a request without an answer, when the client gave up.
    pub answered: Moment,
    /// Such as `POST`.
    pub method: String,
    /// The path with its query, such as `/orders`.
    pub path: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The body; `Null` without one.
    pub body: Value,
    /// The status; `None` if the client got no answer. Then the request may have taken effect or not.
    pub status: Option<u16>,
    /// The body of the answer; `Null` without one.
    pub response: Value,
}

/// A committed change of one item.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// When the commit happened; the changes of one transaction share the step.
    pub at: Moment,
    /// The name of the table without its prefix, such as `orders`.
    pub table: String,
    /// The item before, if there was one.
    pub old: Option<Value>,
    /// The item after, if there is one.
    pub new: Option<Value>,
}

/// What the payment provider did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// Captured the amount.
    Charge,
    /// Declined the charge.
    Decline,
    /// Gave a captured amount back.
    Refund,
    /// Closed an order that was not charged: it can no longer be.
    Void,
}

/// An entry of the payment provider's own books. A repeated request that changed nothing has none.
#[derive(Debug, Clone)]
pub struct Movement {
    /// When.
    pub at: Moment,
    /// The id of the order.
    pub order: String,
    /// What.
    pub kind: MovementKind,
    /// Minor units.
    pub amount: i64,
}

/// A message that the mail server or the SMS provider took.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// When.
    pub at: Moment,
    /// The address or the number.
    pub to: String,
    /// `email` or `sms`.
    pub channel: String,
    /// The `Message-ID`.
    pub message_id: String,
    /// The text, with the subject.
    pub text: String,
    /// Whether the server refused the recipient.
    pub refused: bool,
}

/// An event that the broker took from a relay, whether the relay learned of it or not.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// When.
    pub at: Moment,
    /// The envelope, as it is on the wire.
    pub event: Value,
}

/// What happened to a copy of an event in the queue of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The host acknowledged it.
    Acknowledged,
    /// The host returned it to the queue, and counted an attempt.
    Retried,
    /// The host returned it to the queue, and counted no attempt.
    Deferred,
    /// The consumer crashed, so that the broker delivers it again and counts an attempt.
    Crashed,
    /// The host moved it to the dead-letter queue.
    DeadLettered,
    /// An operator replayed it, so that it is in the queue again.
    Replayed,
    /// An operator purged it, or deleted the queue that held it.
    Purged,
}

/// The end of a delivery of a copy of an event in the queue of a consumer, or what an operator did with it.
#[derive(Debug, Clone)]
pub struct Handled {
    /// When.
    pub at: Moment,
    /// The consumer, such as `inventory-reserve`.
    pub consumer: String,
    /// The `id` of the event; the text of the message if it is no event.
    pub event_id: String,
    /// The number of the message in the broker. A repeated publish or a repeated delivery makes another message; a retry does not.
    pub copy: u64,
    /// The attempt number of the delivery, starting at 1; 0 for what an operator did.
    pub attempt: u32,
    /// What.
    pub fate: Fate,
    /// The code of a dead letter, such as `attempts-exhausted`.
    pub code: Option<String>,
}

/// A record of a stream that was deleted before a relay read it, because the streams were stopped beyond their retention.
#[derive(Debug, Clone)]
pub struct Expired {
    /// When.
    pub at: Moment,
    /// The table.
    pub table: String,
    /// The image of the record.
    pub image: Value,
}

/// Everything that an auditor learns of a run.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The requests, in the order in which they were sent.
    pub exchanges: Vec<Exchange>,
    /// Every committed change of every table, in the order of the commits.
    pub changes: Vec<Change>,
    /// The items of every table at the end, by the table's name without its prefix. Numbers are JSON numbers, sets are arrays.
    pub tables: BTreeMap<String, Vec<Value>>,
    /// The payment provider's books.
    pub movements: Vec<Movement>,
    /// What the mail server and the SMS provider took or refused.
    pub mails: Vec<Mail>,
    /// What the broker took.
    pub published: Vec<Published>,
    /// What happened to the copies of events.
    pub handled: Vec<Handled>,
    /// The records of streams that no relay read.
    pub expired: Vec<Expired>,
    /// Messages in queues and dead-letter queues at the end, as they are there, with the consumer's name.
    pub left: Vec<(String, Value)>,
}

impl Evidence {
    /// Returns the items of a table at the end.
    pub fn table(&self, name: &str) -> &[Value] {
        self.tables.get(name).map_or(&[], Vec::as_slice)
    }
}
