//! Injects faults that DynamoDB has and the engine does not, for tests.

use std::sync::{Arc, PoisonError, RwLock};

use dynoxide::DynoxideError;
use dynoxide::errors::CancellationReason;
use serde_json::{Value, json};

use crate::answer::Answer;

/// The fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `TransactionCanceledException` with these reason codes, one for each action in order: `None` for an action
    /// without fault, otherwise for example `TransactionConflict`, `ThrottlingError`, `ConditionalCheckFailed`. Nothing
    /// is written.
    TransactionCanceled(Vec<String>),
    /// `TransactionConflictException`, the error of a single write. Nothing is written.
    TransactionConflict,
    /// `ProvisionedThroughputExceededException`. Nothing is written.
    ThroughputExceeded,
    /// `InternalServerError`, status 500. Nothing is written. On AWS the write may have taken effect, which [`Self::LostAnswer`] simulates.
    InternalServerError,
    /// The request is carried out, then the connection breaks before the answer arrives.
    LostAnswer,
}

/// Decides which requests fail. Closures with the signature of `fault` implement it.
pub trait FaultInjector: Send + Sync {
    /// Returns the fault for this request, if any. `operation` is the name in DynamoDB's API (`PutItem`), `body` the request as
    /// it was sent.
    fn fault(&self, operation: &str, body: &Value) -> Option<Fault>;
}

impl<Decide> FaultInjector for Decide
where
    Decide: Fn(&str, &Value) -> Option<Fault> + Send + Sync,
{
    fn fault(&self, operation: &str, body: &Value) -> Option<Fault> {
        self(operation, body)
    }
}

/// The decision about a request.
#[derive(Debug)]
pub(crate) enum Injected {
    Nothing,
    Refuse(Answer),
    LoseAnswer,
}

/// The injector in use, if any.
#[derive(Default)]
pub(crate) struct Faults {
    injector: RwLock<Option<Arc<dyn FaultInjector>>>,
}

impl Faults {
    pub(crate) fn set(&self, injector: Option<Arc<dyn FaultInjector>>) {
        *self.injector.write().unwrap_or_else(PoisonError::into_inner) = injector;
    }

    /// Asks the injector, if there is one. A body that is not JSON has no fault; the dispatch refuses it.
    pub(crate) fn decide(&self, operation: &str, body: &[u8]) -> Injected {
        let injector = self.injector.read().unwrap_or_else(PoisonError::into_inner).clone();
        let fault = injector.and_then(|injector| {
            let body = serde_json::from_slice(body).ok()?;
            injector.fault(operation, &body)
        });
        fault.map_or(Injected::Nothing, Injected::from)
    }
}

impl From<Fault> for Injected {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TransactionCanceled(codes) => Self::Refuse(transaction_canceled(codes).into()),
            Fault::TransactionConflict => Self::Refuse(transaction_conflict()),
            Fault::ThroughputExceeded => {
                let message = "The level of configured provisioned throughput for the table was exceeded.";
                Self::Refuse(DynoxideError::ProvisionedThroughputExceededException(message.to_owned()).into())
            }
            Fault::InternalServerError => {
                Self::Refuse(DynoxideError::InternalServerError("Internal server error".to_owned()).into())
            }
            Fault::LostAnswer => Self::LoseAnswer,
        }
    }
}

fn transaction_canceled(codes: Vec<String>) -> DynoxideError {
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let reasons = codes.into_iter().map(|code| CancellationReason {
        message: (code != "None").then(|| format!("{code} was injected")),
        code,
        item: None,
    });
    DynoxideError::TransactionCanceledException(message, reasons.collect())
}

/// Returns the answer for `TransactionConflictException`, which the engine's error type lacks.
fn transaction_conflict() -> Answer {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": "Transaction is ongoing for the item",
    });
    Answer { status: 400, body: body.to_string().into_bytes() }
}
