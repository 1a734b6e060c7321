//! Places orders, in a closed loop or in an open one, and records when each was planned, sent and answered.

mod closed;
mod open;
mod pacer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use indicatif::ProgressBar;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::args::{Extent, LoadPlan};
use crate::connection::{Address, Connection};
use crate::scenario::Workload;

/// The path of new orders.
const ORDERS: &str = "/api/v1/orders";

/// How long a client pauses after an order that was not accepted, so that a shop that refuses all is not flooded.
const PAUSE: Duration = Duration::from_millis(20);

/// An accepted order.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// The id of the order.
    pub id: String,
    /// When the shop says that it was placed.
    pub created_at: String,
    /// When it was to be sent. In a closed loop that is when it was sent.
    pub planned: Instant,
    pub sent: Instant,
    pub answered: Instant,
}

/// How the orders of a run were answered.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub placed: Vec<Placed>,
    /// The number of orders that were not accepted, by status or error.
    pub refused: BTreeMap<String, u64>,
    /// When the first order was planned, and the last answer arrived.
    pub span: Option<(Instant, Instant)>,
}

/// What all clients of a run share.
#[derive(Clone)]
pub(crate) struct Load {
    pub address: Address,
    pub workload: Arc<Workload>,
    pub plan: LoadPlan,
    /// The number of the first order.
    pub first: u64,
    /// Becomes true when no more orders are to be placed.
    pub stop: watch::Receiver<bool>,
    pub progress: ProgressBar,
}

/// The part of the answer that is needed.
#[derive(Deserialize)]
struct Accepted {
    id: String,
    created_at: String,
}

/// The outcome of one request.
type Outcome = Result<Placed, Refused>;

/// A request that was not accepted.
struct Refused {
    why: String,
    planned: Instant,
    answered: Instant,
}

impl Load {
    /// Places the orders. Ends early if `stop` becomes true.
    pub(crate) async fn run(self) -> Orders {
        match self.plan.rate {
            None => closed::run(self).await,
            Some(rate) => open::run(self, rate).await,
        }
    }

    /// Places one order.
    async fn place(&self, connection: &mut Connection, number: u64, planned: Option<Instant>) -> Outcome {
        let body = self.workload.order(number);
        let sent = Instant::now();
        let answer = connection.send(Method::POST, ORDERS, Some(body)).await;
        let answered = Instant::now();
        let planned = planned.unwrap_or(sent);
        let refused = |why: String| Refused { why, planned, answered };
        let answer = answer.map_err(|error| refused(error.to_string()))?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(refused(answer.problem()));
        }
        let accepted: Accepted = serde_json::from_slice(&answer.body)
            .map_err(|error| refused(format!("an answer that is no order: {error}")))?;
        Ok(Placed { id: accepted.id, created_at: accepted.created_at, planned, sent, answered })
    }
}

/// Hands out the numbers of the orders until the run is over.
struct Numbers {
    next: AtomicU64,
    end: Option<u64>,
    deadline: Option<Instant>,
}

impl Numbers {
    fn of(load: &Load) -> Self {
        let (end, deadline) = match load.plan.extent {
            Extent::Orders(orders) => (Some(load.first + orders), None),
            Extent::Time(time) => (None, Some(Instant::now() + time)),
        };
        Self { next: AtomicU64::new(load.first), end, deadline }
    }

    fn take(&self) -> Option<u64> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.end.is_none_or(|end| number < end).then_some(number)
    }
}

impl Orders {
    fn add(&mut self, outcome: Outcome) {
        let (planned, answered) = match &outcome {
            Ok(placed) => (placed.planned, placed.answered),
            Err(refused) => (refused.planned, refused.answered),
        };
        let (first, last) = self.span.unwrap_or((planned, answered));
        self.span = Some((first.min(planned), last.max(answered)));
        match outcome {
            Ok(placed) => self.placed.push(placed),
            Err(refused) => *self.refused.entry(refused.why).or_default() += 1,
        }
    }

    fn merge(&mut self, other: Self) {
        self.placed.extend(other.placed);
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.span = match (self.span, other.span) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (one, other) => one.or(other),
        };
    }

    /// Returns the time from the first planned order to the last answer.
    pub(crate) fn time(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last.duration_since(first))
    }
}
