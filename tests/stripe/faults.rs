//! Faults between the system and Stripe.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Semaphore;

/// A call to Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Creates an intent.
    Make,
    /// Confirms an intent, which charges it.
    Confirm,
    Cancel,
    Refund,
    /// Any call that changes nothing.
    Read,
}

impl Call {
    pub(crate) fn of(method: &str, path: &str) -> Self {
        let last = path.rsplit('/').next().unwrap();
        match (method, last) {
            ("POST", "payment_intents") => Self::Make,
            ("POST", "confirm") => Self::Confirm,
            ("POST", "cancel") => Self::Cancel,
            ("POST", "refunds") => Self::Refund,
            ("GET", _) => Self::Read,
            other => panic!("unexpected call {other:?}"),
        }
    }
}

/// A fault of a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The request is lost.
    LoseRequest,
    /// The response is lost.
    LoseAnswer,
    /// Stripe returns this response and does nothing.
    Answer(u16, Value),
    /// The request is held until the gate opens.
    HoldRequest(Arc<Gate>),
    /// The request is processed, and its response is held until the gate opens.
    HoldAnswer(Arc<Gate>),
}

/// Holds a request until the test releases it.
pub(crate) struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { reached: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Waits until a request is held.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Releases the request.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

type Rule = Box<dyn FnMut(Call) -> Option<Fault> + Send>;

/// The rule that decides which requests have which fault. By default none has.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Option<Rule>>);

impl Faults {
    /// Sets the rule.
    pub(crate) fn set(&self, rule: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(rule));
    }

    /// Sets the rule that only the next call of this kind has the fault.
    pub(crate) fn once(&self, call: Call, fault: Fault) {
        self.times(1, call, fault);
    }

    /// Sets the rule that so many calls of this kind have the fault.
    pub(crate) fn times(&self, times: usize, call: Call, fault: Fault) {
        let mut left = times;
        self.set(move |asked| {
            let meets = asked == call && left > 0;
            left -= usize::from(meets);
            meets.then(|| fault.clone())
        });
    }

    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }

    pub(crate) fn next(&self, call: Call) -> Option<Fault> {
        self.0.lock().unwrap().as_mut()?(call)
    }
}
