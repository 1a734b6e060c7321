//! How far an export or the forgetting of a customer is: the content of its cursor. It contains no address, because cursors stand in URLs.

use orderflow_domain::CustomerId;
use orderflow_store::{Cursor, CursorError, TimeKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "s", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// Check that no order is open, from this position on (forget only).
    Check {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TimeKey>,
    },
    /// Handle the page of orders after this position.
    Orders {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TimeKey>,
    },
    /// Look for requested notifications to the addresses in the page of orders after this position, from a key of the table on.
    Requests {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TimeKey>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<(String, String)>,
    },
    /// Blank the messages of the consumer with this index (forget only).
    Messages { consumer: usize },
    /// Blank the notifications about orders again, from this position on: one may have been sent and recorded meanwhile (forget only).
    Recheck {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TimeKey>,
    },
    /// Erase what the store keeps of former values, or wait for the job that does (forget only).
    Erase {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Uuid>,
    },
}

impl Step {
    /// Returns the cursor with which the next call continues.
    pub(super) fn cursor(&self, kind: &str, customer: &CustomerId) -> String {
        let position = serde_json::to_string(self).expect("texts and numbers under text keys are JSON");
        Cursor::new(listing(kind, customer), position).encode()
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// [`CursorError`] for a cursor of another customer or another call.
    pub(super) fn parse(text: &str, kind: &str, customer: &CustomerId) -> Result<Self, CursorError> {
        let position = Cursor::decode(text, &listing(kind, customer))?;
        serde_json::from_str(&position).map_err(|_| CursorError)
    }
}

fn listing(kind: &str, customer: &CustomerId) -> String {
    format!("{kind}?{customer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_step() {
        let customer = CustomerId::parse("C100").unwrap();
        let after = TimeKey::parse("2026-11-26T04:52:50.380Z#01a21632-fe4b-7658-8bcf-48ab56cece90").unwrap();
        let key =
            ("01a21632-fe4b-7658-8bcf-48ab56cece90".to_owned(), "order_payment_declined#email".to_owned());
        for step in [
            Step::Check { after: None },
            Step::Orders { after: Some(after) },
            Step::Requests { after: None, from: None },
            Step::Requests { after: Some(after), from: Some(key) },
            Step::Messages { consumer: 4 },
            Step::Recheck { after: Some(after) },
            Step::Erase { job: None },
            Step::Erase { job: Some(Uuid::new_v4()) },
        ] {
            let cursor = step.cursor("forget", &customer);
            assert_eq!(Step::parse(&cursor, "forget", &customer), Ok(step.clone()));
            assert_eq!(Step::parse(&cursor, "export", &customer), Err(CursorError));
            assert_eq!(Step::parse(&cursor, "forget", &CustomerId::parse("C2").unwrap()), Err(CursorError));
        }
    }
}
