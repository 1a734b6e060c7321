//! Responses of the server, and the problem details (RFC 9457) of a refusal.

use std::fmt;
use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::ClientError;
use crate::client::output::printable;

const EXCERPT_CHARACTERS: usize = 200;

/// A response with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct ApiResponse {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: String,
}

impl ApiResponse {
    /// Reads the response to its end.
    ///
    /// # Errors
    /// If the connection breaks before the end.
    pub(crate) async fn read(url: String, response: Response) -> Result<Self, reqwest::Error> {
        let headers = response.headers();
        Ok(Self {
            url,
            status: response.status(),
            etag: header(headers, ETAG),
            retry_after: header(headers, RETRY_AFTER)
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
            body: response.text().await?,
        })
    }

    /// Returns whether the same request may succeed a little later: the server, or a proxy in front of it, is overloaded or starting.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502 | 503 | 504)
    }

    /// Returns the response if its status is a success or 304.
    ///
    /// # Errors
    /// The problem that the body describes, or [`ClientError::UnexpectedResponse`].
    pub(crate) fn accepted(self) -> Result<Self, ClientError> {
        if self.status.is_success() || self.status == StatusCode::NOT_MODIFIED {
            return Ok(self);
        }
        match serde_json::from_str::<Problem>(&self.body) {
            Ok(mut problem) => {
                problem.status = self.status.as_u16();
                Err(ClientError::Problem(Box::new(problem)))
            }
            Err(_) => Err(self.unexpected(None)),
        }
    }

    /// Decodes the body as JSON.
    ///
    /// # Errors
    /// [`ClientError::UnexpectedResponse`] if the body does not have the shape of `T`.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_str(&self.body).map_err(|error| self.unexpected(Some(&error)))
    }

    /// Makes an error of this response, with the decoding error or the beginning of the body.
    pub(crate) fn unexpected(&self, error: Option<&serde_json::Error>) -> ClientError {
        let excerpt: String = match error {
            Some(error) if !error.is_syntax() => error.to_string(),
            _ => self.body.chars().take(EXCERPT_CHARACTERS).collect(),
        };
        ClientError::UnexpectedResponse {
            url: self.url.clone(),
            status: self.status,
            excerpt: printable(&excerpt),
        }
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim().to_owned())
}

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
             email: must be an address\n  items[0].quantity: must be 1 "
        );
    }

    #[test]
    fn a_problem_without_detail_is_shown_on_one_line() {
        let problem: Problem =
            serde_json::from_str(r#"{"type":"about:blank","title":"No","status":404}"#).unwrap();
        assert_eq!(problem.to_string(), "No (404 blank)");
    }
}
