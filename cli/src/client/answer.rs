//! What the server answered.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::printable::printable;
use super::{ClientError, Problem};

const EXCERPT_CHARACTERS: usize = 200;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: String,
}

impl Answer {
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
    /// The problem that the body tells, or [`ClientError::Foreign`].
    pub(crate) fn accepted(self) -> Result<Self, ClientError> {
        if self.status.is_success() || self.status == StatusCode::NOT_MODIFIED {
            return Ok(self);
        }
        match serde_json::from_str::<Problem>(&self.body) {
            Ok(mut problem) => {
                problem.status = self.status.as_u16();
                Err(ClientError::Problem(Box::new(problem)))
            }
            Err(_) => Err(self.foreign(None)),
        }
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`ClientError::Foreign`] where it is no such thing.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_str(&self.body).map_err(|error| self.foreign(Some(&error)))
    }

    /// This answer as an error, with what reading it met.
    pub(crate) fn foreign(&self, error: Option<&serde_json::Error>) -> ClientError {
        let excerpt: String = match error {
            Some(error) if !error.is_syntax() => error.to_string(),
            _ => self.body.chars().take(EXCERPT_CHARACTERS).collect(),
        };
        ClientError::Foreign { url: self.url.clone(), status: self.status, excerpt: printable(&excerpt) }
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim().to_owned())
}
