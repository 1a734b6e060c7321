//! A request body that has to arrive in time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use orderflow_http::BodyTimedOut;
use tokio::time::{Instant, Sleep, sleep_until};

/// Whether a handler waits for its body, and since when it does not.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<Since>);

#[derive(Debug, Clone, Copy)]
enum Since {
    /// Does not wait, since then.
    Working(Instant),
    /// Waits for the body.
    Waiting,
}

impl Waiting {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Since::Working(now)))
    }

    /// Returns the time since which the handler has all that it asked for; `None` if it waits.
    pub(crate) fn working_since(&self) -> Option<Instant> {
        match *self.state() {
            Since::Working(since) => Some(since),
            Since::Waiting => None,
        }
    }

    fn wait(&self) {
        *self.state() = Since::Waiting;
    }

    fn work(&self) {
        *self.state() = Since::Working(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, Since> {
        // No holder of the lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request body that fails with [`BodyTimedOut`] when it has not arrived at its deadline.
pub(crate) struct TimedBody {
    body: Body,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: Arc<Waiting>,
}

impl TimedBody {
    pub(crate) fn new(body: Body, deadline: Instant, waiting: Arc<Waiting>) -> Self {
        Self { body, deadline, sleep: None, waiting }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting.work();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.waiting.wait();
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.as_mut().poll(context).is_ready() {
            self.waiting.work();
            return Poll::Ready(Some(Err(BodyTimedOut.into())));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if self.waiting.working_since().is_none() {
            self.waiting.work();
        }
    }
}
