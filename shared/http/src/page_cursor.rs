//! The query parameter `cursor` of a listing.

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::{Limit, Problem};

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

    /// Returns the position that `decode` reads from the cursor; `None` on the first page.
    ///
    /// # Errors
    /// 422 `invalid-cursor` if it is not a cursor of this listing.
    pub fn position<T, E>(&self, decode: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, Problem> {
        self.get().map(decode).transpose().map_err(|_| Problem::invalid_cursor())
    }
}

impl PartialSchema for PageCursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]*$")).build().into()
    }
}

impl ToSchema for PageCursor {}

/// The query of a listing that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most entries on the page.
    #[serde(default)]
    #[param(inline)]
    pub limit: Limit,
    /// The `next_cursor` of the previous page.
    #[serde(default)]
    #[param(inline)]
    pub cursor: PageCursor,
}
