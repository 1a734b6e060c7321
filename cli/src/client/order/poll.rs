//! Looking at an order again and again.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::client::ClientError;
use crate::client::http::{Api, ApiRequest, ApiResponse, Backoff, PathSegment};

/// The shortest and the longest wait between two looks.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Looks at one order, seldom while nothing happens.
pub(crate) struct OrderPoll<'a> {
    api: &'a Api,
    request: ApiRequest,
    etag: Option<String>,
    backoff: Backoff,
}

impl<'a> OrderPoll<'a> {
    /// Of the order with this id. A version of it that is known already is not given again.
    pub(crate) fn new(api: &'a Api, id: &PathSegment, known: Option<String>) -> Self {
        let (shortest, longest) = WAITS;
        Self {
            api,
            request: ApiRequest::member(Method::GET, "orders", id).retried(),
            etag: known,
            backoff: Backoff::new(shortest, longest),
        }
    }

    /// The order, where it is another than at the last look.
    ///
    /// # Errors
    /// Where it cannot be read, also after some tries.
    pub(crate) async fn look(&mut self) -> Result<Option<ApiResponse>, ClientError> {
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

    /// Soon looks again: something happens.
    pub(crate) fn hurry(&mut self) {
        self.backoff.restart();
    }

    /// Waits until the next look is due.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.backoff.step()).await;
    }
}
