//! The number of entries on a page of a listing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The maximum number of entries on one page: 1 to 100, 20 by default.
///
/// A query type declares it as `#[serde(default)] limit: Limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The largest page.
    pub const MAX: u8 = 100;
    /// The default page.
    pub const DEFAULT: u8 = 20;

    /// Returns the number of entries, at least one.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(LimitVisitor)
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(Self::MAX));
        number.default(Some(Self::DEFAULT.into())).build().into()
    }
}

impl ToSchema for Limit {}

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a whole number from 1 to {}", Limit::MAX)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Limit, E> {
        match u8::try_from(number) {
            Ok(limit @ 1..=Limit::MAX) => Ok(Limit(limit)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }
}
