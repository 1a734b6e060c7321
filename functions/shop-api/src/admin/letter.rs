//! How a dead letter is shown.

use orderflow_domain::Timestamp;
use orderflow_messaging::DeadLetter;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

/// A dead letter.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(super) struct Letter {
    /// The event's, or one that is derived from a message that is no event.
    id: String,
    /// Who could not deal with it.
    #[schema(example = "payment")]
    pub(super) consumer: String,
    /// Why, for programs.
    #[schema(example = "attempts-exhausted")]
    pub(super) code: String,
    /// Why, for a person.
    reason: String,
    /// How often it was tried.
    attempts: u32,
    /// When it was first tried; null where that is not known.
    #[schema(required = true)]
    first_at: Option<Timestamp>,
    /// When it was given up; null where that is not known.
    #[schema(required = true)]
    last_at: Option<Timestamp>,
    /// The message as it came; a text where it is no JSON.
    #[schema(value_type = Value)]
    event: Box<RawValue>,
}

impl From<DeadLetter> for Letter {
    fn from(stored: DeadLetter) -> Self {
        let text = |body: &String| to_raw_value(body).expect("a text can be written as JSON");
        let event = serde_json::from_str(&stored.body).unwrap_or_else(|_| text(&stored.body));
        let DeadLetter { id, consumer, code, reason, attempts, first_at, last_at, .. } = stored;
        Self { id, consumer, code, reason, attempts, first_at, last_at, event }
    }
}
