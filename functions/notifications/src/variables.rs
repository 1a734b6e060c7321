//! The variables of a requested message: their numbers keep their digits, and their texts can be shown.

use std::collections::BTreeMap;

use orderflow_domain::text::{TextError, check_lines};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    variables: BTreeMap<String, &'a RawValue>,
}

/// Reads the variables from the text of a request. A number that a message would show with other digits than the request, such as `1.10`
/// or one with thirty digits, becomes a text with the digits of the request.
///
/// # Errors
/// [`serde_json::Error`] if the text is not the JSON of a request.
pub(crate) fn exact(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let Body { variables } = serde_json::from_str(text)?;
    variables.into_iter().map(|(name, raw)| Ok((name, value(raw)?))).collect()
}

/// Reads a value. The parser of the request has already limited its depth.
fn value(raw: &RawValue) -> Result<Value, serde_json::Error> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, value(raw)?)));
            Ok(Value::Object(members.collect::<Result<_, serde_json::Error>>()?))
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            Ok(Value::Array(elements.into_iter().map(value).collect::<Result<_, _>>()?))
        }
        Some(b'-' | b'0'..=b'9') => {
            let number: Number = serde_json::from_str(text)?;
            let shown = minijinja::Value::from(minijinja::value::Serde(&number)).to_string();
            Ok(if shown == text { Value::Number(number) } else { Value::String(text.to_owned()) })
        }
        _ => serde_json::from_str(text),
    }
}

/// Checks the texts in a variable, at any depth. An empty text is allowed.
///
/// # Errors
/// [`TextError`] for a text that cannot be shown to people.
pub(crate) fn check(value: &Value) -> Result<(), TextError> {
    match value {
        Value::String(text) => check_text(text),
        Value::Array(elements) => elements.iter().try_for_each(check),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check_text(name)?;
            check(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), TextError> {
    if text.is_empty() { Ok(()) } else { check_lines(text) }
}

/// Returns the variables with each line break in a text replaced by a blank.
pub(crate) fn on_one_line(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(['\r', '\n'], " ")),
        Value::Array(elements) => Value::Array(elements.iter().map(on_one_line).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), on_one_line(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"variables":{"a":123456789012345678901234567890,"b":[1.10,1.5,-0,1e2,7,-7],
            "c":{"d":18446744073709551615,"e":0.1},"f":"x\u0041","g":null,"h":true}}"#;
        let expected = json!({
            "a": "123456789012345678901234567890", "b": ["1.10", 1.5, "-0", "1e2", 7, -7],
            "c": {"d": u64::MAX, "e": 0.1}, "f": "xA", "g": null, "h": true,
        });
        assert_eq!(Value::Object(exact(text).unwrap()), expected);
        assert_eq!(exact("{}").unwrap(), Map::new());
    }

    #[test]
    fn a_text_that_cannot_be_shown_is_found_at_any_depth() {
        for fine in [json!(""), json!("a\nb"), json!([1, {"a": "ü"}])] {
            assert_eq!(check(&fine), Ok(()), "{fine}");
        }
        for bad in [json!(" "), json!("1\r.\r\nx"), json!([{"a": "1\u{0}"}]), json!({"\u{202e}": 1})] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
