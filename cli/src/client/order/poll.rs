//! Polling an order.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::client::http::{Api, ApiRequest, ApiResponse, Backoff, PathSegment};
use crate::client::{ClientError, Output};

/// The shortest and the longest wait between two polls.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The first and the longest wait before a server that went away is asked again.
const RECONNECT_WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// Sends a request to a server that has answered before. While it cannot be reached, it may be restarting: the request is sent again until it
/// answers, and `output` says once that it went away and once that it is back.
///
/// # Errors
/// The problem with which the server refuses the request.
pub(crate) async fn fetch_again(
    api: &Api,
    request: &ApiRequest,
    output: &mut Output,
) -> Result<ApiResponse, ClientError> {
    let (shortest, longest) = RECONNECT_WAITS;
    let mut backoff = Backoff::new(shortest, longest);
    let mut is_away = false;
    loop {
        match api.fetch(request).await {
            Err(error) if error.is_passing() => {
                if !std::mem::replace(&mut is_away, true) {
                    output.note("the server does not answer; connecting again");
                }
                tokio::time::sleep(backoff.step()).await;
            }
            answered => {
                if is_away {
                    output.note("the server answers again");
                }
                return answered;
            }
        }
    }
}

/// Polls one order, less often while it does not change.
pub(crate) struct OrderPoll<'a> {
    api: &'a Api,
    request: ApiRequest,
    etag: Option<String>,
    backoff: Backoff,
    /// Whether the server has answered before.
    has_answered: bool,
}

impl<'a> OrderPoll<'a> {
    /// Makes a poll of the order with this id. `has_answered` tells whether the server has answered before, so that it is waited for.
    pub(crate) fn new(api: &'a Api, id: &PathSegment, has_answered: bool) -> Self {
        let (shortest, longest) = WAITS;
        Self {
            api,
            request: ApiRequest::member(Method::GET, "orders", id).retried(),
            etag: None,
            backoff: Backoff::new(shortest, longest),
            has_answered,
        }
    }

    /// Reads the order, and returns it if it has changed since the last poll.
    ///
    /// # Errors
    /// If it cannot be read. A server that has not answered before is not waited for.
    pub(crate) async fn changed(&mut self, output: &mut Output) -> Result<Option<ApiResponse>, ClientError> {
        let request = match &self.etag {
            Some(etag) => self.request.clone().header("if-none-match", etag),
            None => self.request.clone(),
        };
        let response = match self.has_answered {
            true => fetch_again(self.api, &request, output).await?,
            false => self.api.fetch(&request).await?,
        };
        self.has_answered = true;
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
