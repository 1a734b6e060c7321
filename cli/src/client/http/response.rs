//! Responses of the server.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::Problem;
use crate::client::ClientError;
use crate::client::error::is_overload;
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
        is_overload(self.status.as_u16())
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
