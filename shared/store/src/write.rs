//! One conditional write of one item, with its events.

use orderflow_store_port::{self as port, Assignment, Condition, Operation};
use serde::Serialize;

use crate::shape::shape;
use crate::{Item, OUTBOX, Outbox, StoreError, Table, Value, string};

/// A write of one item. It can be sent alone ([`crate::Store::write`]), in a transaction ([`crate::Store::transact`]), or together with
/// independent writes ([`crate::Store::write_each`]).
#[derive(Debug, Clone)]
pub struct Write(port::Write);

impl Write {
    /// Returns a write that puts a whole item.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the record cannot be serialised as an item.
    pub fn put(table: &Table, record: &impl Serialize) -> Result<Self, StoreError> {
        let item = serde_dynamo::to_item(record).map_err(|error| shape(table.name(), &error))?;
        Ok(Self::new(table, Operation::Put(item)))
    }

    /// Returns a write that changes attributes of the item with this key, or creates the item. Unless it [emits](Self::emitting) events, it
    /// removes the outbox of the item's last write.
    pub fn update(table: &Table, key: Item) -> Self {
        Self::new(table, Operation::Update { key, assignments: Vec::new() })
    }

    /// Returns a write that deletes the item with this key.
    pub fn delete(table: &Table, key: Item) -> Self {
        Self::new(table, Operation::Delete { key })
    }

    fn new(table: &Table, operation: Operation) -> Self {
        Self(port::Write { table: table.table.clone(), operation, conditions: Vec::new() })
    }

    /// Adds the events of this write.
    #[must_use]
    pub fn emitting(mut self, outbox: &Outbox) -> Self {
        if outbox.is_empty() {
            return self;
        }
        match &mut self.0.operation {
            Operation::Put(item) => {
                item.insert(OUTBOX.to_owned(), string(outbox.to_string()));
                self
            }
            Operation::Update { .. } | Operation::Delete { .. } => {
                self.set(OUTBOX, string(outbox.to_string()))
            }
        }
    }

    /// Adds the condition that the item does not exist.
    #[must_use]
    pub fn if_absent(self) -> Self {
        self.only_if(Condition::Absent)
    }

    /// Adds the condition that the item exists.
    #[must_use]
    pub fn if_present(self) -> Self {
        self.only_if(Condition::Present)
    }

    /// Adds the condition that the attribute has this value.
    #[must_use]
    pub fn if_equals(self, attribute: &str, value: Value) -> Self {
        self.only_if(Condition::Equals(attribute.to_owned(), value))
    }

    /// Adds the condition that the item still has the version with which it was read.
    #[must_use]
    pub fn if_version(self, version: u32) -> Self {
        self.if_equals("version", Value::N(version.to_string()))
    }

    /// Adds the condition that the attribute is a number of at least `least`.
    #[must_use]
    pub fn if_at_least(self, attribute: &str, least: i64) -> Self {
        self.only_if(Condition::AtLeast(attribute.to_owned(), least))
    }

    fn only_if(mut self, condition: Condition) -> Self {
        self.0.conditions.push(condition);
        self
    }

    /// Sets an attribute (updates only).
    #[must_use]
    pub fn set(self, attribute: &str, value: Value) -> Self {
        self.assign(Assignment::Set(attribute.to_owned(), value))
    }

    /// Adds to a number (updates only). The update fails if the attribute does not exist.
    #[must_use]
    pub fn increment_existing(self, attribute: &str, change: i64) -> Self {
        self.assign(Assignment::Increment(attribute.to_owned(), change))
    }

    /// Adds to a number, starting at 0 if the attribute does not exist (updates only).
    #[must_use]
    pub fn increment(self, attribute: &str, change: i64) -> Self {
        self.assign(Assignment::IncrementFromZero(attribute.to_owned(), change))
    }

    fn assign(mut self, assignment: Assignment) -> Self {
        match &mut self.0.operation {
            Operation::Update { assignments, .. } => assignments.push(assignment),
            Operation::Put(_) | Operation::Delete { .. } => {
                debug_assert!(false, "only updates assign attributes")
            }
        }
        self
    }

    /// Returns the write as backends take it.
    pub(crate) fn finish(mut self) -> port::Write {
        if let Operation::Update { assignments, .. } = &mut self.0.operation {
            let emits = assignments.iter().any(|assignment| assignment.attribute() == OUTBOX);
            if !emits {
                assignments.push(Assignment::Remove(OUTBOX.to_owned()));
            }
        }
        self.0
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
