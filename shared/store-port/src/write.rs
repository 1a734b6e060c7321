//! Writes of one item each.

use crate::{Item, TableRef, Value};

/// The most writes that one transaction takes (AWS limit).
pub const MAX_TRANSACTION_ACTIONS: usize = 100;

/// A write of one item. It happens if all conditions hold for the item that is stored under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The table.
    pub table: TableRef,
    /// What is written.
    pub operation: Operation,
    /// The conditions. Without any, the write always happens.
    pub conditions: Vec<Condition>,
}

/// What a write does with its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Stores this whole item, in place of an existing one.
    Put(Item),
    /// Changes attributes of the item with this key, or creates the item from its key and the assignments.
    Update {
        /// The key.
        key: Item,
        /// The changes, at least one, each of another attribute that is no part of the key. All of them read the item as it was before the write.
        assignments: Vec<Assignment>,
    },
    /// Deletes the item with this key. Deleting an item that does not exist succeeds and leaves no stream record.
    Delete {
        /// The key.
        key: Item,
    },
}

/// The change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// Sets the attribute to a value.
    Set(String, Value),
    /// Adds to a number. The write is refused with `ValidationException` if the attribute does not exist or is no number.
    Increment(String, i64),
    /// Adds to a number that starts at 0 if the attribute does not exist. The write is refused with `ValidationException` if it is no number.
    IncrementFromZero(String, i64),
    /// Removes the attribute, if it exists.
    Remove(String),
}

impl Assignment {
    /// Returns the name of the attribute.
    pub fn attribute(&self) -> &str {
        match self {
            Self::Set(name, _)
            | Self::Increment(name, _)
            | Self::IncrementFromZero(name, _)
            | Self::Remove(name) => name,
        }
    }
}

/// A condition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No item is stored under the key.
    Absent,
    /// An item is stored under the key.
    Present,
    /// The attribute exists and has this value. Numbers are compared by value: `1.0` equals `1`.
    Equals(String, Value),
    /// The attribute is a number of at least this value.
    AtLeast(String, i64),
}
