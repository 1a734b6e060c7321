//! Dispatches requests, from the SDK client in this process and from HTTP alike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::{self, Answer};
use crate::changes::Changes;
use crate::counts::Counters;
use crate::engine::Engine;
use crate::faults::{Faults, Injected};
use crate::operation::{Caller, Footprint, Operation, RunRequest};

/// The result of a request, as its caller gets it.
#[derive(Debug)]
pub(crate) enum Reply {
    Answered(Answer),
    /// The request was carried out, and an injected fault withholds the answer.
    Lost,
}

/// The engine, with the counters, faults and change notifications that apply to its requests.
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

    /// Locks the engine. It stays usable after a panic, because SQLite rolls back uncommitted changes.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a request on the calling thread, even on a thread that drives async tasks: a request takes 30 to 300 microseconds and a
    /// large transaction two milliseconds, so handing it to another thread would cost about what it saves. The lock around the engine
    /// allows only one request at a time in any case.
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

/// One request body, to be run on the engine of a dispatch.
struct Call<'a> {
    dispatch: &'a Dispatch,
    body: &'a [u8],
    caller: Caller,
}

impl RunRequest for Call<'_> {
    fn run<Request: DeserializeOwned, Response: Serialize>(
        &self,
        footprint: fn(&mut Request, Caller) -> Footprint,
        method: fn(&Database, Request) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Vec<u8>> {
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

/// Returns the response as JSON. A repeated transaction (`None`) is answered without consumed capacity, because it consumed none.
fn to_json<Response: Serialize>(response: Option<&Response>) -> dynoxide::Result<Vec<u8>> {
    response.map_or_else(
        || Ok(b"{}".to_vec()),
        |response| {
            serde_json::to_vec(response)
                .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
        },
    )
}
