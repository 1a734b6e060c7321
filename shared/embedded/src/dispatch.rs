//! From a request to its answer, whichever way it came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::{self, Answer};
use crate::changes::Changes;
use crate::counts::Counters;
use crate::engine::Engine;
use crate::faults::{Faults, Injected};
use crate::operation::{Footprint, Operation};

/// Which way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    InProcess,
    Http,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answered(Answer),
    /// It was carried out, but its answer must not arrive.
    Lost,
}

/// The engine with all that watches its requests.
pub(crate) struct Dispatch {
    engine: Mutex<Engine>,
    pub(crate) changes: Changes,
    pub(crate) counters: Counters,
    pub(crate) faults: Faults,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}

impl Dispatch {
    pub(crate) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self {
            engine: Mutex::new(engine),
            changes: Changes::default(),
            counters: Counters::default(),
            faults: Faults::default(),
        })
    }

    /// The engine stays usable after a panic: SQLite rolls back what was not committed.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the request on the calling thread, also when that one drives async tasks: a request takes 30 to 300
    /// microseconds and a large transaction two milliseconds, so that handing each to another thread would cost about
    /// what it saves, and the lock around the engine lets only one run at a time anyway.
    pub(crate) fn reply(&self, target: &str, body: &[u8], caller: Caller) -> Reply {
        let Some(operation) = Operation::from_target(target) else {
            return Reply::Answered(Answer::unknown_operation());
        };
        self.counters.count(operation);
        let injected = self.faults.decide(operation.name(), body);
        if let Injected::Refuse(answer) = injected {
            return Reply::Answered(answer);
        }
        let call = Call { dispatch: self, body, caller };
        let answer = operation.run(&call).map_or_else(Answer::from, Answer::success);
        tracing::trace!(operation = operation.name(), status = answer.status, "answered a request");
        match injected {
            Injected::LoseAnswer => Reply::Lost,
            _ => Reply::Answered(answer),
        }
    }
}

/// A request on its way through the engine.
pub(crate) struct Call<'a> {
    dispatch: &'a Dispatch,
    body: &'a [u8],
    caller: Caller,
}

impl Call<'_> {
    pub(crate) fn run<Request, Response>(
        &self,
        footprint: fn(&mut Request, Caller) -> Footprint,
        method: fn(&Database, Request) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Vec<u8>>
    where
        Request: DeserializeOwned,
        Response: Serialize,
    {
        let mut request = answer::parse(self.body)?;
        let footprint = footprint(&mut request, self.caller);
        if let Some(actions) = footprint.actions {
            self.dispatch.counters.count_transaction(actions);
        }
        let response = match footprint.token {
            None => Some(self.dispatch.engine().run(|database| method(database, request))?),
            Some(token) => self.dispatch.engine().run_once(token, |database| method(database, request))?,
        };
        for table in &footprint.tables {
            self.dispatch.changes.announce(table);
        }
        to_json(response.as_ref())
    }
}

/// The answer to a repeat has no consumed capacity: nothing was consumed.
fn to_json<Response: Serialize>(response: Option<&Response>) -> dynoxide::Result<Vec<u8>> {
    response.map_or_else(
        || Ok(b"{}".to_vec()),
        |response| {
            serde_json::to_vec(response)
                .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
        },
    )
}
