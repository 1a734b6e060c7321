//! Decides whether a write happens, and what its item becomes.

use std::borrow::Cow;

use orderflow_bugs::is_planted;

use crate::catalog::Table;
use crate::encoding::{self, Attributes, Invalid, Undecodable};
use crate::items::Existing;
use crate::number::Number;
use crate::prepare::{Assigned, Change, Check, Key, Prepared, check_index_keys, check_size};
use crate::refusal::Refusal;

/// Returns the item after a write, `None` if there is none then, or why the write does not happen.
///
/// # Errors
/// [`Undecodable`] if the stored item is damaged.
pub(crate) fn evaluate(
    table: &Table,
    write: &Prepared,
    existing: Option<&Existing>,
) -> Result<Result<Option<Vec<u8>>, Refusal>, Undecodable> {
    let stored = existing.map(|existing| existing.body.as_slice());
    let attributes = match stored {
        // Most writes that create an item look at nothing else.
        Some(body) => Attributes::of(body)?,
        None => Attributes::default(),
    };
    if !write.checks.iter().all(|check| holds(check, stored.is_some(), &attributes)) {
        let item = stored.map(encoding::decode).transpose()?;
        return Ok(Err(Refusal::Condition(item.map(Box::new))));
    }
    let assignments = match &write.change {
        Change::Delete => return Ok(Ok(None)),
        Change::Put(body) => return Ok(Ok(Some(body.clone()))),
        Change::Update(assignments) => assignments,
    };
    let body = match update(table, &write.key, stored.is_some(), &attributes, assignments) {
        Ok(body) => body,
        Err(invalid) => return Ok(Err(Refusal::Invalid(invalid))),
    };
    let checked = check_index_keys(table, &attributes, &Attributes::of(&body)?);
    Ok(checked.map(|()| Some(body)))
}

fn holds(check: &Check, exists: bool, attributes: &Attributes<'_>) -> bool {
    match check {
        Check::Absent => !exists || is_planted("store-overwrites-existing-item"),
        Check::Present => exists,
        Check::Equals(..) if is_planted("store-compares-no-version") => exists,
        Check::Equals(name, value) => attributes.get(name) == Some(value.as_slice()),
        Check::AtLeast(name, least) => attributes.number(name).is_some_and(|number| number >= *least),
    }
}

fn update(
    table: &Table,
    key: &Key,
    exists: bool,
    attributes: &Attributes<'_>,
    assignments: &[(String, Assigned)],
) -> Result<Vec<u8>, Invalid> {
    let mut values: Vec<(&str, Option<Cow<'_, [u8]>>)> = Vec::with_capacity(assignments.len() + 2);
    for (name, assigned) in assignments {
        let value = match assigned {
            Assigned::Value(value) => Some(Cow::Borrowed(value.as_slice())),
            Assigned::Removed => None,
            Assigned::Sum { by, from_zero } => {
                Some(Cow::Owned(encoding::encode_number(sum(attributes, name, *by, *from_zero)?)))
            }
        };
        values.push((name, value));
    }
    if !exists {
        values.push((&table.hash, Some(Cow::Owned(encoding::encode_text(&key.hash)))));
        if let Some(range) = &table.range {
            values.push((range, Some(Cow::Owned(encoding::encode_text(&key.range)))));
        }
    }
    let mut changed = attributes.clone();
    for (name, value) in &values {
        changed.set(name, value.as_deref());
    }
    let body = encoding::join(changed.iter());
    check_size(&body, "Item size to update")?;
    Ok(body)
}

fn sum(attributes: &Attributes<'_>, name: &str, by: Number, from_zero: bool) -> Result<Number, Invalid> {
    let before = match attributes.get(name) {
        None if from_zero => Number::from(0),
        None => {
            return Err(
                "The provided expression refers to an attribute that does not exist in the item".to_owned()
            );
        }
        Some(_) => {
            attributes.number(name).ok_or("An operand in the update expression has an incorrect data type")?
        }
    };
    before.plus(by).map_err(|error| error.to_string())
}
