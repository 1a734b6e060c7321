//! How a dead letter is shown.

use orderflow_domain::Timestamp;
use orderflow_messaging::StoredDeadLetter;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A dead letter.
#[derive(Serialize)]
pub(super) struct Letter {
    id: String,
    pub(super) consumer: String,
    pub(super) code: String,
    reason: String,
    attempts: u32,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    /// The message as it came; a text where it is no JSON.
    event: Box<RawValue>,
}

impl From<StoredDeadLetter> for Letter {
    fn from(stored: StoredDeadLetter) -> Self {
        let text = |body: &String| to_raw_value(body).expect("a text can be written as JSON");
        let event = serde_json::from_str(&stored.body).unwrap_or_else(|_| text(&stored.body));
        let StoredDeadLetter { id, consumer, code, reason, attempts, first_at, last_at, .. } = stored;
        Self { id, consumer, code, reason, attempts, first_at, last_at, event }
    }
}
