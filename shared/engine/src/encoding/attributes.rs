//! Looks at items in their stored form, without decoding them.

use super::bytes::{
    BINARY, BINARY_SET, DECIMAL, FALSE, INTEGER, LIST, MAP, NUMBER_SET, STRING, STRING_SET, TRUE,
    Undecodable, integer, put_length, take_sized, text,
};
use crate::number::Number;

/// The attributes of an item in its stored form, sorted by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Attributes<'a> {
    /// Reads the names, and none of the values.
    ///
    /// # Errors
    /// [`Undecodable`] if the bytes are damaged.
    pub(crate) fn of(mut body: &'a [u8]) -> Result<Self, Undecodable> {
        let mut attributes = Vec::with_capacity(24);
        while !body.is_empty() {
            let name = text(take_sized(&mut body)?)?;
            attributes.push((name, take_sized(&mut body)?));
        }
        Ok(Self(attributes))
    }

    /// Returns the stored form of an attribute's value.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        let found = self.0.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
        Some(self.0[found].1)
    }

    /// Returns an attribute that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        as_text(self.get(name)?)
    }

    /// Returns an attribute that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<Number> {
        as_number(self.get(name)?)
    }

    /// Returns the attributes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0.iter().copied()
    }

    /// Sets an attribute, or removes it.
    pub(crate) fn set(&mut self, name: &'a str, value: Option<&'a [u8]>) {
        match (self.0.binary_search_by(|(other, _)| (*other).cmp(name)), value) {
            (Ok(found), Some(value)) => self.0[found].1 = value,
            (Ok(found), None) => drop(self.0.remove(found)),
            (Err(at), Some(value)) => self.0.insert(at, (name, value)),
            (Err(_), None) => {}
        }
    }
}

fn as_text(encoded: &[u8]) -> Option<&str> {
    let (STRING, bytes) = encoded.split_first().map(|(tag, rest)| (*tag, rest))? else { return None };
    text(bytes).ok()
}

fn as_number(encoded: &[u8]) -> Option<Number> {
    let (tag, mut rest) = encoded.split_first()?;
    match *tag {
        INTEGER => integer(&mut rest).ok().map(Number::from),
        DECIMAL => text(rest).ok()?.parse().ok(),
        _ => None,
    }
}

/// Returns DynamoDB's name of a value's type, for error messages.
pub(crate) fn type_name(encoded: &[u8]) -> &'static str {
    match encoded.first().copied() {
        Some(INTEGER | DECIMAL) => "N",
        Some(STRING) => "S",
        Some(FALSE | TRUE) => "BOOL",
        Some(BINARY) => "B",
        Some(MAP) => "M",
        Some(LIST) => "L",
        Some(STRING_SET) => "SS",
        Some(NUMBER_SET) => "NS",
        Some(BINARY_SET) => "BS",
        _ => "NULL",
    }
}

/// Returns the stored form of an item with these attributes, which are sorted by name.
pub(crate) fn join<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    for (name, value) in attributes {
        put_length(&mut body, name.len());
        body.extend_from_slice(name.as_bytes());
        put_length(&mut body, value.len());
        body.extend_from_slice(value);
    }
    body
}

/// Returns the bytes that DynamoDB counts for an item in its stored form.
///
/// # Errors
/// [`Undecodable`] if the bytes are damaged.
pub(crate) fn size(mut body: &[u8]) -> Result<usize, Undecodable> {
    let mut total = 0;
    while !body.is_empty() {
        total += take_sized(&mut body)?.len();
        total += value_size(take_sized(&mut body)?)?;
    }
    Ok(total)
}

fn value_size(encoded: &[u8]) -> Result<usize, Undecodable> {
    let (tag, mut rest) = encoded.split_first().ok_or(Undecodable)?;
    let number = |encoded| as_number(encoded).map(Number::size).ok_or(Undecodable);
    let mut total = 0;
    match *tag {
        INTEGER | DECIMAL => total = number(encoded)?,
        STRING | BINARY => total = rest.len(),
        MAP => {
            total = 3 + size(rest)?;
            while !rest.is_empty() {
                take_sized(&mut rest)?;
                take_sized(&mut rest)?;
                total += 1;
            }
        }
        LIST => {
            total = 3;
            while !rest.is_empty() {
                total += 1 + value_size(take_sized(&mut rest)?)?;
            }
        }
        STRING_SET | BINARY_SET => {
            while !rest.is_empty() {
                total += take_sized(&mut rest)?.len();
            }
        }
        NUMBER_SET => {
            while !rest.is_empty() {
                total += number(take_sized(&mut rest)?)?;
            }
        }
        _ => total = 1,
    }
    Ok(total)
}
