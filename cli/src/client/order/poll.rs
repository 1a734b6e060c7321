//! Polling an order.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::client::ClientError;
use crate::client::http::{Api, ApiRequest, ApiResponse, Backoff, PathSegment};

/// The shortest and the longest wait between two polls.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Polls one order, less often while it does not change.
pub(crate) struct OrderPoll<'a> {
    api: &'a Api,
    request: ApiRequest,
    etag: Option<String>,
    backoff: Backoff,
}

impl<'a> OrderPoll<'a> {
    /// Makes a poll of the order with this id. `known` is the ETag of a version that is not returned again.
    pub(crate) fn new(api: &'a Api, id: &PathSegment, known: Option<String>) -> Self {
        let (shortest, longest) = WAITS;
        Self {
            api,
            request: ApiRequest::member(Method::GET, "orders", id).retried(),
            etag: known,
            backoff: Backoff::new(shortest, longest),
        }
    }

    /// Reads the order, and returns it if it has changed since the last poll.
    ///
    /// # Errors
    /// If it cannot be read, after retries.
    pub(crate) async fn changed(&mut self) -> Result<Option<ApiResponse>, ClientError> {
        let request = match &self.etag {
            Some(etag) => self.request.clone().header("if-none-match", etag),
            None => self.request.clone(),
        };
        let response = self.api.fetch(&request).await?;
        if response.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        self.etag.clone_from(&response.etag);
        Ok(Some(response))
    }

    /// Resets the wait to the shortest, since the order is changing.
    pub(crate) fn reset_wait(&mut self) {
        self.backoff.restart();
    }

    /// Waits until the next poll is due.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.backoff.step()).await;
    }
}
