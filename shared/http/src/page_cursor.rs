//! The query parameter `cursor` of a listing.

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The `next_cursor` of the previous page as the client sent it. An empty text is the same as none: the first page.
///
/// A query type declares it as `#[serde(default)] cursor: PageCursor`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PageCursor(String);

impl PageCursor {
    /// Returns the text of the cursor, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl PartialSchema for PageCursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]*$")).build().into()
    }
}

impl ToSchema for PageCursor {}
