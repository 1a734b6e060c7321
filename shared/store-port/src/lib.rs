//! What a store must be able to do: the port between the services' view of their tables (`shared/store`) and the backends that hold the tables.
//!
//! The port has DynamoDB's model and its rules, because DynamoDB is the store that the system has to work with on AWS: items under a hash key and
//! perhaps a range key, conditional writes of one item, transactions, global secondary indexes that hold keys only, and a stream of each table's
//! changes. It has none of DynamoDB's expressions: a write says what it does with typed values, and a backend turns that into its own terms.
//!
//! Where a rule of DynamoDB refuses a request, every backend refuses it, with DynamoDB's error code.

mod backend;
mod definition;
mod error;
mod read;
mod stream;
mod write;

pub use backend::{Backend, Replacement};
pub use definition::{IndexDefinition, TableDefinition, TableRef, TableState};
pub use error::{Cancellation, StoreError, TransactError, WriteError};
pub use read::{KeyRange, Page, Query};
pub use stream::{Change, Position, PositionError, StreamBatch, StreamError, StreamReader, StreamRecord};
pub use write::{Assignment, Condition, MAX_TRANSACTION_ACTIONS, Operation, Write};

/// A value of an attribute.
pub type Value = serde_dynamo::AttributeValue;

/// An item, or the key of one: values by the names of their attributes.
pub type Item = std::collections::HashMap<String, Value>;

/// Returns the text in an attribute of an item, unless the attribute is missing or of another type.
pub fn text<'a>(item: &'a Item, attribute: &str) -> Option<&'a str> {
    match item.get(attribute)? {
        Value::S(text) => Some(text),
        _ => None,
    }
}
