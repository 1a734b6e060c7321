//! Requests that are not carried out, as DynamoDB reports them.

use orderflow_store_port::{StoreError, StreamError, WriteError};
use serde_json::{Map, Value, json};

/// Why a request has no answer of its operation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// The store refuses the request.
    #[error("{code}: {message}")]
    Refused {
        /// DynamoDB's error code.
        code: String,
        /// The message.
        message: String,
        /// Further members of the error.
        more: Map<String, Value>,
    },
    /// The answer is lost, because a test injects that. The connection is closed without one.
    #[error("the answer is lost")]
    Lost,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self::Refused { code: code.to_owned(), message: message.into(), more: Map::new() }
    }

    /// Returns the refusal of a request that says something that DynamoDB does not allow.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// Returns the refusal of a part of DynamoDB's protocol that this store does not have.
    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::invalid(format!("{what} is not supported by orderflow store"))
    }

    pub(crate) fn unknown_table(name: &str) -> Self {
        let message = format!("Requested resource not found: Table: {name} not found");
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        if let Self::Refused { more, .. } = &mut self {
            more.insert(name.to_owned(), value);
        }
        self
    }

    /// Returns the HTTP status and the body of a refusal, or `None` if there is no answer.
    pub(crate) fn answer(self) -> Option<(u16, Value)> {
        let Self::Refused { code, message, more } = self else { return None };
        let status = if code == "InternalServerError" { 500 } else { 400 };
        let mut body = json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
            "message": message,
        });
        if let Some(body) = body.as_object_mut() {
            // Cancellations of transactions are read from "Message" by some SDKs, and from "message" by others.
            body.extend(more);
        }
        Some((status, body))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Request { code, .. } if code == "NoAnswer" => Self::Lost,
            StoreError::Request { code, message, .. } => Self::new(&code, message),
            StoreError::Conflict { .. } => {
                Self::new("TransactionConflictException", "Transaction is ongoing for the item")
            }
            StoreError::Shape { message, .. } => Self::invalid(message),
        }
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        Self::new("InternalServerError", error.to_string())
    }
}

/// Makes the failure of a write. `shows_item` says whether the request wants the existing item if its condition fails.
pub(crate) fn of_write(error: WriteError, shows_item: bool) -> Failure {
    match error {
        WriteError::Store(error) => error.into(),
        WriteError::ConditionFailed(item) => {
            let failed = Failure::new("ConditionalCheckFailedException", "The conditional request failed");
            match item.filter(|_| shows_item) {
                Some(item) => failed.with("Item", json!(*item)),
                None => failed,
            }
        }
    }
}
