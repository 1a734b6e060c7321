//! What goes wrong between the system and Stripe.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Semaphore;

/// What Stripe is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Make an intent.
    Make,
    /// Charge it.
    Confirm,
    Cancel,
    Refund,
    /// Anything that changes nothing.
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
            other => panic!("nobody asks for {other:?}"),
        }
    }
}

/// What becomes of a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It arrives, and its answer does not.
    LoseAnswer,
    /// Stripe answers so and does nothing.
    Answer(u16, Value),
    /// It stands before Stripe until the gate opens.
    HoldRequest(Arc<Gate>),
    /// It is done, and its answer stands until the gate opens.
    HoldAnswer(Arc<Gate>),
}

/// Where a request stands until the test lets it go on.
pub(crate) struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { reached: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Waits until a request stands here.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Lets the request go on.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

type Rule = Box<dyn FnMut(Call) -> Option<Fault> + Send>;

/// Decides what goes wrong. Nothing does unless the test wants it.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Option<Rule>>);

impl Faults {
    /// From now on this decides.
    pub(crate) fn set(&self, rule: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(rule));
    }

    /// The next call of this kind meets the fault, and nothing else does.
    pub(crate) fn once(&self, call: Call, fault: Fault) {
        self.times(1, call, fault);
    }

    /// So many calls of this kind meet the fault.
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
