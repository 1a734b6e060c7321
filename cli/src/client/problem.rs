//! What the server says is wrong.

use std::fmt;

use serde::Deserialize;

use super::printable::printable;

/// Problem details (RFC 9457), as far as they are shown. Members that are missing are empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The kind: a URN whose last part is the slug.
    pub r#type: String,
    /// The short summary of the kind.
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What is wrong this time.
    #[serde(default)]
    pub detail: String,
    /// The fields at fault.
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldProblem {
    /// Its path in the request.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// The stable name of the kind, such as `invalid-request`.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.r#type.rsplit([':', '/']).next().unwrap_or_default()
    }
}

/// The title, then the detail and each field on a line of its own.
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
    fn each_field_has_its_line() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:orderflow:problem:invalid-request","title":"Some fields are not valid","status":422,
                "detail":"2 fields are at fault; see errors.","errors":[
                {"field":"email","message":"must be an address"},{"field":"items[0].quantity","message":"must be 1\u001b"}]}"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "Some fields are not valid (422 invalid-request)\n  2 fields are at fault; see errors.\n  \
             email: must be an address\n  items[0].quantity: must be 1 "
        );
    }

    #[test]
    fn a_bare_problem_is_one_line() {
        let problem: Problem =
            serde_json::from_str(r#"{"type":"about:blank","title":"No","status":404}"#).unwrap();
        assert_eq!(problem.to_string(), "No (404 blank)");
    }
}
