//! Responses of the server, and the problem details (RFC 9457) of those that refuse.

use std::fmt;
use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::ClientError;
use crate::client::output::printable;

const EXCERPT_CHARACTERS: usize = 200;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiResponse {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: String,
}

impl ApiResponse {
    /// Reads the answer to its end.
    ///
    /// # Errors
    /// Where the connection breaks off.
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

    /// Whether the same request may succeed a little later: the service or what stands in front of it is overloaded
    /// or on its way up.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502 | 503 | 504)
    }

    /// The answer where it says yes (304 included).
    ///
    /// # Errors
    /// The problem that the body tells, or [`ClientError::UnexpectedResponse`].
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

    /// Reads the body.
    ///
    /// # Errors
    /// [`ClientError::UnexpectedResponse`] where it is no such thing.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_str(&self.body).map_err(|error| self.unexpected(Some(&error)))
    }

    /// This answer as an error, with what reading it met.
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
