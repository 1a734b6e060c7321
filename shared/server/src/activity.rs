//! What a connection is doing, and until when it may.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::Deadlines;
use crate::framing::{BodyLength, Framing};

/// The time that a handler without deadlines of its own gets beyond those of [`Deadlines`].
const MARGIN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is expected or arriving.
    Head,
    /// The body of a request is expected or arriving.
    Body,
    /// A request is handled, or its answer is sent.
    Busy,
    /// The former request is answered.
    Idle,
    /// Another connection gets the place of this one.
    Evicted,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    deadline: Instant,
    /// The deadline of an answer that the client does not take.
    taking: Option<Instant>,
    /// Whether a request was answered since the last search for a connection to evict.
    used: bool,
    framing: Framing,
    /// Wakes the connection, which has bytes of a request that follows the current one.
    next: Option<Waker>,
}

/// Which connections a search evicts. Each value includes the former ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// Those that wait for a request and were not used since the last search.
    Unused,
    /// Those that wait for a request.
    Waiting,
    /// Those that wait for a body.
    Bodies,
}

/// What a connection is doing. Its stream, its service and its supervisor share it.
#[derive(Debug)]
pub(crate) struct Activity {
    deadlines: Deadlines,
    state: Mutex<State>,
    evicted: Notify,
}

impl Activity {
    pub(crate) fn new(deadlines: Deadlines) -> Self {
        let deadline = Instant::now() + deadlines.head;
        let framing = Framing::new();
        let state = State { phase: Phase::Head, deadline, taking: None, used: false, framing, next: None };
        Self { deadlines, state: Mutex::new(state), evicted: Notify::new() }
    }

    /// Bytes of a client have arrived. Returns how many of them, from the first on, belong to the current request; if there are none, the
    /// task of `context` is woken when the others belong to the next one.
    pub(crate) fn received(&self, bytes: &[u8], context: &Context<'_>) -> usize {
        let mut state = self.state();
        let taken = state.framing.take(bytes);
        if taken == 0 {
            state.next = Some(context.waker().clone());
        } else if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.deadline = Instant::now() + self.deadlines.head;
        }
        taken
    }

    /// The head of a request is complete, and its body has this length.
    pub(crate) fn requested(&self, body: BodyLength) {
        let mut state = self.state();
        state.framing.requested(body);
        if let Some(next) = state.next.take() {
            next.wake();
        }
        if state.phase != Phase::Evicted {
            state.phase = Phase::Busy;
            state.deadline = Instant::now() + self.deadlines.body + self.deadlines.handler + MARGIN;
        }
    }

    /// The handler waits for more of the body.
    pub(crate) fn waits_for_body(&self) {
        self.change(Phase::Busy, Phase::Body);
    }

    /// More of the body has arrived, or its end.
    pub(crate) fn body_arrived(&self) {
        self.change(Phase::Body, Phase::Busy);
    }

    fn change(&self, from: Phase, to: Phase) {
        let mut state = self.state();
        if state.phase == from {
            state.phase = to;
        }
    }

    /// The whole answer was handed to the connection, or its request was given up.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.framing.answered();
        if let Some(next) = state.next.take() {
            next.wake();
        }
        if matches!(state.phase, Phase::Body | Phase::Busy) {
            state.phase = Phase::Idle;
            state.deadline = Instant::now() + self.deadlines.idle;
            state.used = true;
        }
    }

    /// The client does not take bytes at the moment.
    pub(crate) fn blocked(&self) {
        let mut state = self.state();
        if state.taking.is_none() {
            state.taking = Some(Instant::now() + self.deadlines.taking);
        }
    }

    /// Every byte was handed to the kernel. A head that had to wait for that has its whole time from now on.
    pub(crate) fn flushed(&self) {
        let mut state = self.state();
        if state.taking.take().is_some() && state.phase == Phase::Head {
            state.deadline = Instant::now() + self.deadlines.head;
        }
    }

    /// Closes the connection if it waits for a request; with [`Search::Bodies`] also if it waits for a body.
    pub(crate) fn evict(&self, search: Search) -> bool {
        let mut state = self.state();
        let waits = match state.phase {
            Phase::Head | Phase::Idle => search != Search::Unused || !std::mem::take(&mut state.used),
            Phase::Body => search == Search::Bodies,
            Phase::Busy | Phase::Evicted => false,
        };
        if waits {
            state.phase = Phase::Evicted;
            self.evicted.notify_one();
        }
        waits
    }

    /// Waits until the connection has to be closed: its deadline is over, or it is evicted.
    ///
    /// A deadline that moves is noticed when the task of this future is woken. The connection itself moves it, in the same task.
    pub(crate) async fn ended(&self) {
        let mut sleep = pin!(sleep_until(self.deadline()));
        let mut evicted = pin!(self.evicted.notified());
        poll_fn(|context| {
            if evicted.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let deadline = self.deadline();
            if sleep.deadline() != deadline {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
    }

    fn deadline(&self) -> Instant {
        let state = self.state();
        match state.taking {
            // The server reads no more of a head before the client takes the former answer.
            Some(taking) if state.phase == Phase::Head => taking,
            Some(taking) => taking.min(state.deadline),
            None => state.deadline,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No holder of the lock panics, and every state is valid.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
