//! Problem details (RFC 9457), with which the server refuses a request.

use std::fmt;

use serde::Deserialize;

use crate::client::output::printable;

/// Problem details (RFC 9457): the members that this program shows. Optional members that are missing are empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The type of problem: a URN whose last part is the slug.
    pub r#type: String,
    /// The short summary of the type.
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What is wrong in this occurrence.
    #[serde(default)]
    pub detail: String,
    /// The invalid fields.
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
}

/// One invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldProblem {
    /// Its path in the request.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// Returns the stable name of the type, such as `invalid-request`.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.r#type.rsplit([':', '/']).next().unwrap_or_default()
    }
}

/// Writes the title, then the detail and each field on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, slug) = (printable(&self.title), printable(self.slug()));
        write!(f, "{title} ({} {slug})", self.status)?;
        if !self.detail.is_empty() {
            write!(f, "\n  {}", printable(&self.detail))?;
        }
        for FieldProblem { field, message } in &self.errors {
            write!(f, "\n  {}: {}", printable(field), printable(message))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_shown_on_a_line_of_its_own() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:orderflow:problem:invalid-request","title":"Some fields are not valid","status":422,
                "detail":"2 fields are at fault; see errors.","errors":[
                {"field":"email","message":"must be an address"},{"field":"items[0].quantity","message":"must be 1\u001b"}]}"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "Some fields are not valid (422 invalid-request)\n  2 fields are at fault; see errors.\n  \
             email: must be an address\n  items[0].quantity: must be 1\\u{1b}"
        );
    }

    #[test]
    fn a_problem_without_detail_is_shown_on_one_line() {
        let problem: Problem =
            serde_json::from_str(r#"{"type":"about:blank","title":"No","status":404}"#).unwrap();
        assert_eq!(problem.to_string(), "No (404 blank)");
    }
}
