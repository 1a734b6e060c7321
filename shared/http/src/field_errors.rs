//! Collects the errors in the fields of a request, so that one response reports all of them.

use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

/// An error in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The path of the field in the body, such as `items[0].quantity`, or the name of a query parameter or header.
    pub field: String,
    /// What is wrong with the field, worded to follow its name: "must be at least 1".
    pub message: String,
}

/// The errors in the fields of one request.
///
/// ```
/// use orderflow_http::{FieldErrors, Problem};
///
/// fn parse(quantity: &str, port: &str) -> Result<(u8, u16), Problem> {
///     let mut errors = FieldErrors::default();
///     let quantity = errors.parse("quantity", || quantity.parse::<u8>());
///     let port = errors.parse("port", || port.parse::<u16>());
///     errors.into_result(quantity.zip(port))
/// }
///
/// assert_eq!(parse("1", "80").ok(), Some((1, 80)));
/// assert_eq!(parse("x", "y").err().map(|problem| problem.errors().len()), Some(2));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Returns a list of one error.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.push(field, message);
        errors
    }

    /// Records an error in `field`. The message is worded to follow the field's name: "must be at least 1".
    pub fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// Returns the result of `parse`, or records its error for `field` and returns `None`.
    pub fn parse<T, E: Display>(
        &mut self,
        field: impl Into<String>,
        parse: impl FnOnce() -> Result<T, E>,
    ) -> Option<T> {
        match parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(field, error.to_string());
                None
            }
        }
    }

    /// Returns whether no error was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the errors in the order in which they were recorded.
    #[must_use]
    pub fn as_slice(&self) -> &[FieldError] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemKind;

    #[test]
    fn all_fields_are_reported_at_once() {
        let mut errors = FieldErrors::default();
        let one = errors.parse("items[0].quantity", || "x".parse::<u8>());
        let two = errors.parse("items[1].quantity", || "7".parse::<u8>());
        errors.push("email", "is missing");
        assert_eq!(two, Some(7));

        let problem = errors.into_result(one.zip(two)).unwrap_err();
        assert_eq!(problem.kind(), ProblemKind::InvalidRequest);
        let fields: Vec<_> = problem.errors().iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["items[0].quantity", "email"]);
    }

    #[test]
    fn one_error_is_enough_even_with_a_value() {
        let errors = FieldErrors::one("items", "are too many");
        assert!(errors.into_result(Some(1)).is_err());
    }

    #[test]
    fn without_errors_the_value_is_returned() {
        assert_eq!(FieldErrors::default().into_result(Some(1)).unwrap(), 1);
    }

    #[test]
    fn a_missing_value_without_an_error_is_a_503() {
        let problem = FieldErrors::default().into_result(None::<u8>).unwrap_err();
        assert_eq!(problem.kind(), ProblemKind::Unavailable);
    }
}
