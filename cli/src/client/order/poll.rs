//! Looking at an order again and again.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::client::ClientError;
use crate::client::answer::Answer;
use crate::client::api::Api;
use crate::client::call::{Call, Segment};
use crate::client::pace::Pace;

/// The shortest and the longest wait between two looks.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Looks at one order, seldom while nothing happens.
pub(crate) struct OrderPoll<'a> {
    api: &'a Api,
    call: Call,
    etag: Option<String>,
    pace: Pace,
}

impl<'a> OrderPoll<'a> {
    /// Of the order with this id. A version of it that is known already is not given again.
    pub(crate) fn new(api: &'a Api, id: &Segment, known: Option<String>) -> Self {
        let (shortest, longest) = WAITS;
        Self {
            api,
            call: Call::member(Method::GET, "orders", id).patient(),
            etag: known,
            pace: Pace::new(shortest, longest),
        }
    }

    /// The order, where it is another than at the last look.
    ///
    /// # Errors
    /// Where it cannot be read, also after some tries.
    pub(crate) async fn look(&mut self) -> Result<Option<Answer>, ClientError> {
        let call = match &self.etag {
            Some(etag) => self.call.clone().header("if-none-match", etag),
            None => self.call.clone(),
        };
        let answer = self.api.fetch(&call).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        self.etag.clone_from(&answer.etag);
        Ok(Some(answer))
    }

    /// Soon looks again: something happens.
    pub(crate) fn hurry(&mut self) {
        self.pace.restart();
    }

    /// Waits until the next look is due.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pace.step()).await;
    }
}
