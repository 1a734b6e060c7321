//! Turns the writes of a request into their stored form, on the caller's thread, so that the writer has little left to do.

use std::sync::Arc;

use orderflow_store_port::{Assignment, Condition, Item, Operation, StoreError, Value, Write};

use crate::catalog::{Catalog, Table};
use crate::encoding::{self, Attributes, Invalid};
use crate::number::Number;
use crate::refusal::Refusal;

/// The most bytes of an item (DynamoDB limit).
const ITEM_BYTES_MAX: usize = 400 * 1024;
/// The most bytes of a hash key and of a range key (DynamoDB limits).
const HASH_BYTES_MAX: usize = 2_048;
const RANGE_BYTES_MAX: usize = 1_024;

/// The key of an item. The range key is empty in tables without one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) hash: String,
    pub(crate) range: String,
}

/// A write in its stored form.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) table: i64,
    /// The key. Empty if the write does not have one of the table.
    pub(crate) key: Key,
    pub(crate) change: Change,
    pub(crate) checks: Vec<Check>,
    /// Why the table does not take the write, whatever is stored.
    pub(crate) refused: Option<Refusal>,
}

/// What a write does with its item.
#[derive(Debug)]
pub(crate) enum Change {
    Put(Vec<u8>),
    Update(Vec<(String, Assigned)>),
    Delete,
}

/// What becomes the value of an attribute.
#[derive(Debug)]
pub(crate) enum Assigned {
    Value(Vec<u8>),
    Sum { by: Number, from_zero: bool },
    Removed,
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Check {
    Absent,
    Present,
    Equals(String, Vec<u8>),
    AtLeast(String, Number),
}

/// Returns the operation of DynamoDB's API that a write stands for.
pub(crate) fn operation_name(write: &Write) -> &'static str {
    match write.operation {
        Operation::Put(_) => "PutItem",
        Operation::Update { .. } => "UpdateItem",
        Operation::Delete { .. } => "DeleteItem",
    }
}

/// Returns the error of a request that DynamoDB's rules refuse.
pub(crate) fn refused(operation: &'static str, table: &str, message: Invalid) -> StoreError {
    let code = "ValidationException".to_owned();
    StoreError::Request { operation, table: table.to_owned(), code, message }
}

/// Prepares a write.
///
/// # Errors
/// [`StoreError`] if the table does not exist, or the request is not one that DynamoDB takes.
pub(crate) fn prepare(
    catalog: &Catalog,
    operation: &'static str,
    write: &Write,
) -> Result<Prepared, StoreError> {
    let table = catalog.find(operation, &write.table.name)?;
    prepare_for(&table, write).map_err(|message| refused(operation, &table.name, message))
}

fn prepare_for(table: &Arc<Table>, write: &Write) -> Result<Prepared, Invalid> {
    let mut index_keys = Ok(());
    let (key, change) = match &write.operation {
        Operation::Put(item) => {
            let body = encoding::encode(item)?;
            check_size(&body, "Item size")?;
            let attributes = Attributes::of(&body).map_err(|error| error.to_string())?;
            index_keys = check_index_keys(table, &Attributes::default(), &attributes);
            (key_of(table, item), Change::Put(body))
        }
        Operation::Update { key, assignments } => {
            (exact_key(table, key), Change::Update(prepare_assignments(table, assignments)?))
        }
        Operation::Delete { key } => (exact_key(table, key), Change::Delete),
    };
    let checks = write.conditions.iter().map(prepare_condition).collect::<Result<_, _>>()?;
    let (key, refused) = match key {
        Ok(key) => (key, index_keys.err()),
        Err(refused) => (Key::default(), Some(refused)),
    };
    Ok(Prepared { table: table.id, key, change, checks, refused })
}

fn prepare_assignments(
    table: &Table,
    assignments: &[Assignment],
) -> Result<Vec<(String, Assigned)>, Invalid> {
    let mut prepared: Vec<(String, Assigned)> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let name = assignment.attribute();
        if name.is_empty() {
            return Err("Empty attribute name".to_owned());
        }
        if table.is_key(name) {
            return Err(format!(
                "One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key"
            ));
        }
        if prepared.iter().any(|(other, _)| other == name) {
            return Err(format!(
                "Invalid UpdateExpression: Two document paths overlap with each other: [{name}]"
            ));
        }
        let assigned = match assignment {
            Assignment::Set(_, value) => Assigned::Value(encoding::encode_value(value)?),
            Assignment::Increment(_, by) => Assigned::Sum { by: Number::from(*by), from_zero: false },
            Assignment::IncrementFromZero(_, by) => Assigned::Sum { by: Number::from(*by), from_zero: true },
            Assignment::Remove(_) => Assigned::Removed,
        };
        prepared.push((name.to_owned(), assigned));
    }
    Ok(prepared)
}

fn prepare_condition(condition: &Condition) -> Result<Check, Invalid> {
    Ok(match condition {
        Condition::Absent => Check::Absent,
        Condition::Present => Check::Present,
        Condition::Equals(name, value) => Check::Equals(name.clone(), encoding::encode_value(value)?),
        Condition::AtLeast(name, least) => Check::AtLeast(name.clone(), Number::from(*least)),
    })
}

/// Returns the key of an item.
///
/// # Errors
/// [`Refusal`] if the item does not have the key of the table.
pub(crate) fn key_of(table: &Table, item: &Item) -> Result<Key, Refusal> {
    let text = |name: &str| match item.get(name) {
        Some(Value::S(text)) => Ok(text.clone()),
        Some(other) => {
            let actual = encoding::encode_value(other).map(|encoded| encoding::type_name(&encoded));
            let actual = actual.map_err(Refusal::Invalid)?;
            Err(Refusal::Invalid(format!(
                "One or more parameter values were invalid: Type mismatch for key {name} expected: S actual: {actual}"
            )))
        }
        None => Err(Refusal::Invalid(format!(
            "One or more parameter values were invalid: Missing the key {name} in the item"
        ))),
    };
    let hash = text(&table.hash)?;
    let range = table.range.as_deref().map(text).transpose()?;
    check_key(&table.hash, &hash, HASH_BYTES_MAX, "hashkey")?;
    if let (Some(name), Some(range)) = (&table.range, &range) {
        check_key(name, range, RANGE_BYTES_MAX, "rangekey")?;
    }
    Ok(Key { hash, range: range.unwrap_or_default() })
}

/// Returns a key that is given without an item.
///
/// # Errors
/// [`Refusal`] if it is not exactly a key of the table.
pub(crate) fn exact_key(table: &Table, key: &Item) -> Result<Key, Refusal> {
    let mismatch = || Refusal::Invalid("The provided key element does not match the schema".to_owned());
    let is_text = |name: &str| matches!(key.get(name), Some(Value::S(_)));
    let attributes = 1 + usize::from(table.range.is_some());
    if key.len() != attributes || !is_text(&table.hash) || !table.range.as_deref().is_none_or(is_text) {
        return Err(mismatch());
    }
    key_of(table, key)
}

fn check_key(name: &str, text: &str, most: usize, kind: &str) -> Result<(), Refusal> {
    match text.len() {
        0 => Err(Refusal::EmptyKey(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. \
             Key: {name}"
        ))),
        length if length > most => Err(Refusal::Invalid(format!(
            "One or more parameter values were invalid: Size of {kind} has exceeded the maximum size limit of {most} bytes"
        ))),
        _ => Ok(()),
    }
}

/// Refuses an item that is larger than DynamoDB takes.
pub(crate) fn check_size(body: &[u8], what: &str) -> Result<(), Invalid> {
    // The stored form is never less than half of what DynamoDB counts.
    if body.len() > ITEM_BYTES_MAX / 2 && encoding::size(body).is_ok_and(|size| size > ITEM_BYTES_MAX) {
        return Err(format!("{what} has exceeded the maximum allowed size"));
    }
    Ok(())
}

/// Refuses an item with an attribute that is the key of an index and cannot be one, unless it had the same before. Of several indexes, the first
/// by name decides.
pub(crate) fn check_index_keys(
    table: &Table,
    old: &Attributes<'_>,
    new: &Attributes<'_>,
) -> Result<(), Refusal> {
    let refusals = table.indexes.iter().filter_map(|index| {
        let refusal = [&index.hash, &index.range].into_iter().find_map(|name| {
            let value = new.get(name).filter(|value| old.get(name) != Some(value))?;
            index_key_refusal(&index.name, name, value, new.text(name))
        });
        refusal.map(|refusal| (&index.name, refusal))
    });
    match refusals.min_by_key(|(index, _)| *index) {
        Some((_, refusal)) => Err(refusal),
        None => Ok(()),
    }
}

fn index_key_refusal(index: &str, name: &str, value: &[u8], text: Option<&str>) -> Option<Refusal> {
    match text {
        None => {
            let actual = encoding::type_name(value);
            Some(Refusal::Invalid(format!(
                "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: S Actual: {actual} IndexName: {index}"
            )))
        }
        Some("") => Some(Refusal::EmptyKey(format!(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for \
             a key attribute cannot contain an empty string value. IndexName: {index}, IndexKey: {name}"
        ))),
        Some(_) => None,
    }
}
