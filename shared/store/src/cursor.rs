//! Cursors of listings.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The longest position in bytes that is accepted from a client. A sort key may hold 1,024 (AWS limit).
const MAX_POSITION: usize = 256;

/// A position in a listing, opaque to clients. It is valid only for the same listing with the same filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    #[serde(rename = "l")]
    listing: String,
    #[serde(rename = "a")]
    after: String,
}

/// The text is not a cursor of this listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a next_cursor of the same listing with the same filters")]
pub struct CursorError;

impl Cursor {
    /// Returns the cursor after the range key `after` of a listing. `listing` is the name of the listing with its filters.
    pub fn new(listing: impl Into<String>, after: impl Into<String>) -> Self {
        Self { listing: listing.into(), after: after.into() }
    }

    /// Returns the text that clients get.
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("two strings are always JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Returns the range key in a cursor that a client sent.
    ///
    /// # Errors
    /// [`CursorError`] if the text is no cursor, or one of another listing.
    pub fn decode(text: &str, listing: &str) -> Result<String, CursorError> {
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| CursorError)?;
        let possible = (1..=MAX_POSITION).contains(&cursor.after.len());
        if possible && cursor.listing == listing { Ok(cursor.after) } else { Err(CursorError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_of_another_listing_is_refused() {
        let text = Cursor::new("orders?status=pending", "x").encode();
        assert_eq!(Cursor::decode(&text, "orders?status=pending").unwrap(), "x");
        assert_eq!(Cursor::decode(&text, "orders?"), Err(CursorError));
    }

    proptest! {
        #[test]
        fn garbage_is_refused(text in ".{0,80}") {
            prop_assert_eq!(Cursor::decode(&text, "orders"), Err(CursorError));
        }
    }
}
