//! The JSON of a dead letter.

use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLetter, hide_payment_tokens};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

/// A dead letter.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(super) struct DeadLetterView {
    /// The event's id, or for a message that is not an event an id derived from it.
    id: String,
    /// The consumer that gave it up.
    #[schema(example = "payment")]
    consumer: String,
    /// The reason, for programs.
    #[schema(example = "attempts-exhausted")]
    code: String,
    /// The reason, for a person.
    reason: String,
    /// The number of attempts.
    attempts: u32,
    /// When it was first delivered; null if that is unknown.
    #[schema(required = true)]
    first_at: Option<Timestamp>,
    /// When it was given up; null if that is unknown.
    #[schema(required = true)]
    last_at: Option<Timestamp>,
    /// The message, with `***` in place of a payment token; a string if it is not JSON.
    #[schema(value_type = Value)]
    event: Box<RawValue>,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(stored: DeadLetter) -> Self {
        let body = hide_payment_tokens(&stored.body);
        let text = || to_raw_value(&body).expect("a text can be written as JSON");
        let event = serde_json::from_str(&body).unwrap_or_else(|_| text());
        let DeadLetter { id, consumer, code, reason, attempts, first_at, last_at, .. } = stored;
        Self { id, consumer, code, reason, attempts, first_at, last_at, event }
    }
}
