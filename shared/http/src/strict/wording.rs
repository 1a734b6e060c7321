//! Translates serde's error messages from the terms of Rust into those of JSON.

use serde::de::Unexpected;

/// Describes the expected type. Serde names Rust types and its own data model.
pub(super) fn expectation(expected: &str) -> String {
    let words = match expected {
        "u8" => return whole_number(0, u8::MAX.into()),
        "u16" => return whole_number(0, u16::MAX.into()),
        "u32" => return whole_number(0, u32::MAX.into()),
        "i8" => return whole_number(i8::MIN.into(), i8::MAX.into()),
        "i16" => return whole_number(i16::MIN.into(), i16::MAX.into()),
        "i32" => return whole_number(i32::MIN.into(), i32::MAX.into()),
        "u64" | "usize" => "a whole number of at least 0",
        "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    words.to_owned()
}

fn whole_number(least: i64, most: i64) -> String {
    format!("a whole number from {least} to {most}")
}

/// Describes the value that was found. Text is not quoted: it can be long or secret.
pub(super) fn finding(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => format!("{number:?}"),
        Unexpected::Str(_) | Unexpected::Char(_) => "a text".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        Unexpected::Unit => "null".to_owned(),
        other => other.to_string(),
    }
}
