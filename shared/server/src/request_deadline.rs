//! The deadlines of a request: the arrival of its body, and its handler.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use orderflow_http::{Problem, ProblemKind, count_refused};
use tokio::time::{Instant, sleep_until};

use crate::Deadlines;
use crate::in_flight::InFlight;
use crate::timed_body::{TimedBody, Waiting};

/// Bounds the time of each request in front of these routes.
///
/// A body that does not arrive within [`Deadlines::body`] fails with [`BodyTimedOut`], which the extractors answer with 408. A handler
/// that takes longer than [`Deadlines::handler`] is dropped and answered with 503. What it has begun at the store may still happen, as
/// when an answer is lost: the request can be repeated under its `Idempotency-Key`.
///
/// [`BodyTimedOut`]: orderflow_http::BodyTimedOut
pub fn with_deadlines(router: impl Into<Router>, deadlines: Deadlines) -> Router {
    router.into().layer(from_fn_with_state(Bounds { deadlines, in_flight: None }, bound))
}

/// Like [`with_deadlines`], and answers 503 `overloaded` to requests of the API while the handlers of `max_in_flight` requests work:
/// they would wait for longer than their deadline. A request that waits for its body is not counted.
pub fn with_deadlines_and_limit(
    router: impl Into<Router>,
    deadlines: Deadlines,
    max_in_flight: usize,
) -> Router {
    let bounds = Bounds { deadlines, in_flight: Some(Arc::new(InFlight::new(max_in_flight))) };
    router.into().layer(from_fn_with_state(bounds, bound))
}

/// The prefix of the routes that the limit of requests applies to. Health and metrics are always answered.
const API: &str = "/api/";

/// The time after which a refused request may be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct Bounds {
    deadlines: Deadlines,
    in_flight: Option<Arc<InFlight>>,
}

async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let (started, deadlines) = (Instant::now(), bounds.deadlines);
    let in_flight = bounds.in_flight.filter(|_| request.uri().path().starts_with(API));
    if in_flight.as_ref().is_some_and(|in_flight| !in_flight.try_enter()) {
        count_refused(ProblemKind::Overloaded);
        let problem = Problem::new(
            ProblemKind::Overloaded,
            "Too many requests are in flight; wait for the seconds in Retry-After.",
        );
        return problem.with_retry_after(RETRY_AFTER).into_response();
    }
    let waiting = Arc::new(Waiting::new(started, in_flight));
    let request = request.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        Body::new(TimedBody::new(body, started + deadlines.body, Arc::clone(&waiting)))
    });
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = overdue(&waiting, started, deadlines) => {
            let seconds = deadlines.handler.as_secs_f64();
            Problem::unavailable(format!("a handler took longer than {seconds} s")).into_response()
        }
    }
}

/// Waits until the handler has worked for too long. The deadline moves while the handler waits for the body, in the same task.
async fn overdue(waiting: &Waiting, started: Instant, deadlines: Deadlines) {
    let deadline = || waiting.working_since().unwrap_or(started + deadlines.body) + deadlines.handler;
    let mut sleep = pin!(sleep_until(deadline()));
    poll_fn(|context| {
        let deadline = deadline();
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(())
    })
    .await;
}
