//! Reads JSON into a type.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::access::{Elements, Entries};
use super::data_error::DataError;
use crate::{Problem, ProblemKind};

/// The reason why a text is not JSON of the expected type.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// The text is not JSON, or nested too deeply.
    Syntax(serde_json::Error),
    /// A number that no supported type can hold, and its field.
    OutOfRange(String),
    /// The text is JSON, but not of the expected type.
    Data(DataError),
}

impl JsonError {
    /// Returns 400 `malformed-request` for a syntax error, else 422 `invalid-request`.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Syntax(error) => {
                Problem::new(ProblemKind::MalformedRequest, format!("The body is not JSON: {error}."))
            }
            Self::OutOfRange(field) => Problem::invalid_field(field, "is a number out of range"),
            Self::Data(error) => error.into_problem(),
        }
    }
}

/// Reads a JSON text as a `T`.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let tree = serde_json::from_str::<Json>(text).map_err(|error| refusal(text, error))?;
    T::deserialize(tree).map_err(JsonError::Data)
}

/// Distinguishes a number like `1e400`, which is valid JSON, from invalid text. The parser reports both as syntax errors, so the
/// text is parsed again to find the field.
fn refusal(text: &str, error: serde_json::Error) -> JsonError {
    if !error.to_string().starts_with("number out of range") {
        return JsonError::Syntax(error);
    }
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Json>(deserializer) {
        Err(placed) => JsonError::OutOfRange(placed.path().to_string()),
        Ok(_) => JsonError::Syntax(error),
    }
}

/// A parsed JSON text: the entries of objects in their order, with repeated keys.
#[derive(Debug)]
enum Json {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Unsigned(number) => Unexpected::Unsigned(*number),
            Self::Signed(number) => Unexpected::Signed(*number),
            Self::Float(number) => Unexpected::Float(*number),
            Self::String(text) => Unexpected::Str(text),
            Self::Array(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }
}

impl Json {
    /// Returns the integer that a float without a fractional part stands for, and any other value as it is. A float beyond 2^53 stays a float:
    /// it may have been rounded.
    fn into_integer(self) -> Self {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the guard admits only what an i64 holds")]
            Self::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
                let number = number as i64;
                u64::try_from(number).map_or(Self::Signed(number), Self::Unsigned)
            }
            other => other,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

/// The largest number up to which a float holds every integer exactly: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads an integer. JSON Schema counts a number without a fractional part as an integer, however it is written: `2.0`, `1e3`.
macro_rules! whole {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DataError> {
            self.into_integer().deserialize_any(visitor)
        }
    )*};
}

impl IntoDeserializer<'_, DataError> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Json {
    type Error = DataError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DataError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Signed(number) => visitor.visit_i64(number),
            Self::Float(number) => visitor.visit_f64(number),
            Self::String(text) => visitor.visit_string(text),
            Self::Array(elements) => Elements::new(elements).visit_all(visitor),
            Self::Object(entries) => visitor.visit_map(Entries::new(entries)?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DataError> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        match self {
            Self::Object(entries) => visitor.visit_map(Entries::new(entries)?),
            other => Err(DataError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DataError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        match self {
            Self::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Self::Object(entries) => Entries::new(entries)?.visit_as_one_of(variants, visitor),
            _ => Err(DataError::unknown_variant("", variants)),
        }
    }

    whole! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
