//! A request body that has to arrive in time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use orderflow_http::BodyTimedOut;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::in_flight::InFlight;

/// Whether a handler waits for its body, and since when it does not.
#[derive(Debug)]
pub(crate) struct Waiting {
    since: Mutex<Since>,
    /// Counts the handler while it works.
    in_flight: Option<Arc<InFlight>>,
}

#[derive(Debug, Clone, Copy)]
enum Since {
    /// Does not wait, since then.
    Working(Instant),
    /// Waits for the body.
    Waiting,
}

impl Waiting {
    /// Creates the state of a handler that works, and that `in_flight` has counted.
    pub(crate) fn new(now: Instant, in_flight: Option<Arc<InFlight>>) -> Self {
        Self { since: Mutex::new(Since::Working(now)), in_flight }
    }

    /// Returns the time since which the handler has all that it asked for; `None` if it waits.
    pub(crate) fn working_since(&self) -> Option<Instant> {
        match *self.since() {
            Since::Working(since) => Some(since),
            Since::Waiting => None,
        }
    }

    fn wait(&self) {
        if let Since::Working(_) = std::mem::replace(&mut *self.since(), Since::Waiting)
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.leave();
        }
    }

    fn work(&self) {
        if let Since::Waiting = std::mem::replace(&mut *self.since(), Since::Working(Instant::now()))
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.enter();
        }
    }

    fn since(&self) -> MutexGuard<'_, Since> {
        // No holder of the lock panics.
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let (Some(_), Some(in_flight)) = (self.working_since(), &self.in_flight) {
            in_flight.leave();
        }
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
