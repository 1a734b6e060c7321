//! Encodes items and values, and refuses those that DynamoDB does not take.

use orderflow_store_port::{Item, Value};

use super::bytes::{
    BINARY, BINARY_SET, DECIMAL, FALSE, INTEGER, LIST, MAP, NULL, NUMBER_SET, STRING, STRING_SET, TRUE,
    put_length, put_varint,
};
use crate::number::{Number, NumberError};

/// The most levels of maps and lists in a value (DynamoDB limit).
const NESTING_MAX: usize = 32;

/// The message of DynamoDB about an item or value that it does not take.
pub(crate) type Invalid = String;

/// Returns the stored form of an item.
///
/// # Errors
/// [`Invalid`] if a value is not one that DynamoDB takes.
pub(crate) fn encode(item: &Item) -> Result<Vec<u8>, Invalid> {
    let mut body = Vec::with_capacity(512);
    put_attributes(&mut body, item, 0)?;
    Ok(body)
}

/// Returns the stored form of one value.
///
/// # Errors
/// [`Invalid`] if it is not one that DynamoDB takes.
pub(crate) fn encode_value(value: &Value) -> Result<Vec<u8>, Invalid> {
    let mut encoded = Vec::with_capacity(32);
    put_value(&mut encoded, value, 0)?;
    Ok(encoded)
}

/// Returns the stored form of a number.
pub(crate) fn encode_number(number: Number) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(10);
    put_number(&mut encoded, number);
    encoded
}

/// Returns the stored form of a text.
pub(crate) fn encode_text(text: &str) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(1 + text.len());
    encoded.push(STRING);
    encoded.extend_from_slice(text.as_bytes());
    encoded
}

fn put_attributes(out: &mut Vec<u8>, item: &Item, level: usize) -> Result<(), Invalid> {
    let mut attributes: Vec<(&String, &Value)> = item.iter().collect();
    attributes.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in attributes {
        if name.is_empty() {
            return Err("Empty attribute name".to_owned());
        }
        put_length(out, name.len());
        out.extend_from_slice(name.as_bytes());
        put_sized(out, |out| put_value(out, value, level))?;
    }
    Ok(())
}

fn put_value(out: &mut Vec<u8>, value: &Value, level: usize) -> Result<(), Invalid> {
    let deeper = || match level + 1 {
        NESTING_MAX.. => Err("Nesting Levels have exceeded supported limits".to_owned()),
        level => Ok(level),
    };
    match value {
        Value::N(text) => put_number(out, text.parse().map_err(|error: NumberError| error.to_string())?),
        Value::S(text) => put_bytes(out, STRING, text.as_bytes()),
        Value::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
        Value::Null(true) => out.push(NULL),
        Value::Null(false) => {
            return Err("One or more parameter values were invalid: Null attribute value types must have the value of true".to_owned());
        }
        Value::B(bytes) => put_bytes(out, BINARY, bytes),
        Value::M(map) => {
            out.push(MAP);
            put_attributes(out, map, deeper()?)?;
        }
        Value::L(list) => {
            out.push(LIST);
            let level = deeper()?;
            for value in list {
                put_sized(out, |out| put_value(out, value, level))?;
            }
        }
        Value::Ss(set) => {
            let members = set.iter().map(|text| text.as_bytes().to_vec());
            put_set(out, STRING_SET, "string", members.collect())?;
        }
        Value::Ns(set) => {
            let number = |text: &String| -> Result<Vec<u8>, Invalid> {
                let number = text.parse().map_err(|error: NumberError| error.to_string())?;
                Ok(encode_number(number))
            };
            put_set(out, NUMBER_SET, "number", set.iter().map(number).collect::<Result<_, _>>()?)?;
        }
        Value::Bs(set) => put_set(out, BINARY_SET, "binary", set.clone())?,
    }
    Ok(())
}

fn put_number(out: &mut Vec<u8>, number: Number) {
    match number.as_i64() {
        Some(integer) => {
            out.push(INTEGER);
            put_varint(out, ((integer << 1) ^ (integer >> 63)) as u64);
        }
        None => put_bytes(out, DECIMAL, number.to_string().as_bytes()),
    }
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn put_set(out: &mut Vec<u8>, tag: u8, kind: &str, mut members: Vec<Vec<u8>>) -> Result<(), Invalid> {
    if members.is_empty() {
        return Err(format!("One or more parameter values were invalid: An {kind} set  may not be empty"));
    }
    members.sort_unstable();
    if members.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(
            "One or more parameter values were invalid: Input collection contains duplicates".to_owned()
        );
    }
    out.push(tag);
    for member in members {
        put_length(out, member.len());
        out.extend_from_slice(&member);
    }
    Ok(())
}

/// Writes what `put` writes, after its length.
fn put_sized(
    out: &mut Vec<u8>,
    put: impl FnOnce(&mut Vec<u8>) -> Result<(), Invalid>,
) -> Result<(), Invalid> {
    let at = out.len();
    // Most values are shorter than 128 bytes and have a length of one byte.
    out.push(0);
    put(out)?;
    let length = out.len() - at - 1;
    match u8::try_from(length) {
        Ok(short @ ..0x80) => out[at] = short,
        _ => {
            let mut bytes = Vec::with_capacity(4);
            put_length(&mut bytes, length);
            out.splice(at..=at, bytes);
        }
    }
    Ok(())
}
