//! Decodes items and values.

use orderflow_store_port::{Item, Value};

use super::bytes::{
    BINARY, BINARY_SET, DECIMAL, FALSE, INTEGER, LIST, MAP, NULL, NUMBER_SET, STRING, STRING_SET, TRUE,
    Undecodable, integer, take_sized, text,
};

/// Returns an item from its stored form.
///
/// # Errors
/// [`Undecodable`] if the bytes are damaged.
pub(crate) fn decode(mut body: &[u8]) -> Result<Item, Undecodable> {
    let mut item = Item::with_capacity(24);
    while !body.is_empty() {
        let name = text(take_sized(&mut body)?)?.to_owned();
        item.insert(name, decode_value(take_sized(&mut body)?)?);
    }
    Ok(item)
}

/// Returns a value from its stored form.
///
/// # Errors
/// [`Undecodable`] if the bytes are damaged.
pub(crate) fn decode_value(encoded: &[u8]) -> Result<Value, Undecodable> {
    let (tag, mut rest) = encoded.split_first().ok_or(Undecodable)?;
    Ok(match *tag {
        INTEGER | DECIMAL => Value::N(number_text(encoded)?),
        STRING => Value::S(text(rest)?.to_owned()),
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        NULL => Value::Null(true),
        BINARY => Value::B(rest.to_vec()),
        MAP => Value::M(decode(rest)?),
        LIST => {
            let mut list = Vec::new();
            while !rest.is_empty() {
                list.push(decode_value(take_sized(&mut rest)?)?);
            }
            Value::L(list)
        }
        STRING_SET => Value::Ss(members(rest, |member| Ok(text(member)?.to_owned()))?),
        NUMBER_SET => Value::Ns(members(rest, number_text)?),
        BINARY_SET => Value::Bs(members(rest, |member| Ok(member.to_vec()))?),
        _ => return Err(Undecodable),
    })
}

fn members<T>(
    mut rest: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, Undecodable>,
) -> Result<Vec<T>, Undecodable> {
    let mut members = Vec::new();
    while !rest.is_empty() {
        members.push(decode(take_sized(&mut rest)?)?);
    }
    Ok(members)
}

fn number_text(encoded: &[u8]) -> Result<String, Undecodable> {
    let (tag, mut rest) = encoded.split_first().ok_or(Undecodable)?;
    match *tag {
        INTEGER => Ok(integer(&mut rest)?.to_string()),
        DECIMAL => Ok(text(rest)?.to_owned()),
        _ => Err(Undecodable),
    }
}
