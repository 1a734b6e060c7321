//! Evidence made by hand, for the tests of the invariants.

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence, Exchange, Fate, Handled, Moment, Movement, MovementKind, Published};
use super::item::key;

/// Evidence to which things are added in their order.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub evidence: Evidence,
    step: u64,
}

impl Story {
    fn next(&mut self) -> Moment {
        self.step += 1;
        Moment { step: self.step, at_ms: self.step * 10 }
    }

    /// Adds the write of one item.
    pub(crate) fn write(&mut self, table: &str, new: Value) {
        self.commit([(table, new)]);
    }

    /// Adds a transaction. The items before it are those of earlier writes.
    pub(crate) fn commit<'a>(&mut self, writes: impl IntoIterator<Item = (&'a str, Value)>) {
        let at = self.next();
        for (table, new) in writes {
            let items = self.evidence.tables.entry(table.to_owned()).or_default();
            let same = items.iter().position(|item| key(table, item) == key(table, &new));
            let old = same.map(|position| items.remove(position));
            items.push(new.clone());
            self.evidence.changes.push(Change { at, table: table.to_owned(), old, new: Some(new) });
        }
    }

    /// Adds an event that the broker took.
    pub(crate) fn publish(&mut self, event: Value) {
        let at = self.next();
        self.evidence.published.push(Published { at, event });
    }

    /// Adds a decision about the copy of an event whose number is that of the consumer's name and the event.
    pub(crate) fn handle(&mut self, consumer: &str, event_id: &str, fate: Fate) {
        self.attempt(consumer, event_id, fate, 1);
    }

    /// Adds a decision about an attempt.
    pub(crate) fn attempt(&mut self, consumer: &str, event_id: &str, fate: Fate, attempt: u32) {
        let at = self.next();
        let copy = format!("{consumer}{event_id}")
            .bytes()
            .fold(7, |sum: u64, byte| sum * 31 % 1_000_003 + u64::from(byte));
        let (consumer, event_id) = (consumer.to_owned(), event_id.to_owned());
        self.evidence.handled.push(Handled { at, consumer, event_id, copy, attempt, fate, code: None });
    }

    /// Adds an entry of the provider's books.
    pub(crate) fn moved(&mut self, order: &str, kind: MovementKind, amount: i64) {
        let at = self.next();
        self.evidence.movements.push(Movement { at, order: order.to_owned(), kind, amount });
    }

    /// Adds a request that writes an item before it is answered.
    pub(crate) fn ask_and_write(&mut self, mut exchange: Exchange, table: &str, new: &Value) {
        exchange.sent = self.next();
        self.write(table, new.clone());
        exchange.answered = self.next();
        self.evidence.exchanges.push(exchange);
    }

    /// Adds a request and its answer.
    pub(crate) fn ask(&mut self, mut exchange: Exchange) {
        (exchange.sent, exchange.answered) = (self.next(), self.next());
        self.evidence.exchanges.push(exchange);
    }
}

/// Returns a request that was answered with a status and no body.
pub(crate) fn request(method: &str, path: &str, body: Value, status: u16) -> Exchange {
    Exchange {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
        status: Some(status),
        ..Exchange::default()
    }
}

/// Returns the names of the invariants.
pub(crate) fn names(violations: Vec<Violation>) -> Vec<&'static str> {
    violations.into_iter().map(|violation| violation.invariant).collect()
}
