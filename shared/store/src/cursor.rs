//! Where a listing goes on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The longest position that is taken back: well below what a sort key may hold (AWS limit: 1,024 bytes).
const MAX_POSITION: usize = 256;

/// A position in one listing, opaque to clients. It belongs to the listing it came from, filters included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    #[serde(rename = "l")]
    listing: String,
    #[serde(rename = "a")]
    after: String,
}

/// The text is no cursor of this listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a next_cursor of the same listing with the same filters")]
pub struct CursorError;

impl Cursor {
    /// The position behind `after` in a listing; `listing` names it, with its filters.
    pub fn new(listing: impl Into<String>, after: impl Into<String>) -> Self {
        Self { listing: listing.into(), after: after.into() }
    }

    /// What a client is given.
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("two strings are always JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// The position that a client gave back.
    ///
    /// # Errors
    /// [`CursorError`] where it is garbage or of another listing.
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
