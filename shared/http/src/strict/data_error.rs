//! Errors in input that is valid JSON or a valid query but not of the expected type.

use std::fmt::{self, Display, Write};

use serde::de::{Error, Expected, Unexpected};

use super::wording::{expectation, finding};
use crate::Problem;

/// The field name in errors about the whole body.
const WHOLE: &str = "body";

/// A step of the path from the whole input to a value.
#[derive(Debug)]
pub(super) enum Segment {
    Field(String),
    Index(usize),
}

/// A value of the wrong type, and its path.
#[derive(Debug)]
pub(crate) struct DataError {
    /// The path from the value outwards, in the order in which the error passes through it.
    path: Vec<Segment>,
    message: String,
}

impl DataError {
    fn at_this_value(message: String) -> Self {
        Self { path: Vec::new(), message }
    }

    fn at_field(field: &str, message: String) -> Self {
        Self::at_this_value(message).within(Segment::Field(field.to_owned()))
    }

    /// Adds one level to the path.
    pub(super) fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    /// Returns the 422 `invalid-request` that names the field.
    pub(crate) fn into_problem(self) -> Problem {
        Problem::invalid_field(self.field(), self.message)
    }

    fn field(&self) -> String {
        if self.path.is_empty() {
            return WHOLE.to_owned();
        }
        let mut field = String::new();
        for segment in self.path.iter().rev() {
            match segment {
                Segment::Field(name) if field.is_empty() => field.push_str(name),
                Segment::Field(name) => {
                    field.push('.');
                    field.push_str(name);
                }
                Segment::Index(index) => {
                    write!(field, "[{index}]").expect("memory takes every write");
                }
            }
        }
        field
    }
}

impl Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.field(), self.message)
    }
}

impl std::error::Error for DataError {}

impl Error for DataError {
    fn custom<T: Display>(message: T) -> Self {
        Self::at_this_value(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expectation(&expected.to_string());
        Self::at_this_value(format!("must be {expected}, not {}", finding(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = expectation(&expected.to_string());
        Self::at_this_value(format!("has {length} elements but must be {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::at_this_value(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = if expected.is_empty() {
            "is not known here; nothing is".to_owned()
        } else {
            format!("is not known here; known are {}", expected.join(", "))
        };
        Self::at_field(field, message)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::at_field(field, "is missing".to_owned())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::repeated(field)
    }
}

impl DataError {
    /// Returns the error for a repeated key of an object.
    pub(super) fn repeated(field: &str) -> Self {
        Self::at_field(field, "is given more than once".to_owned())
    }
}
