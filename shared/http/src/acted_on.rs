//! What a call acted on, for the audit log.

use std::fmt::Display;

use axum::Extension;

/// What a call acted on, beyond the ids in its path and query: an extension of the response, which the audit log names. It contains no personal
/// data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActedOn(pub String);

impl ActedOn {
    /// Returns the part of a response with a name and a value, such as `code=bad`.
    pub fn part(name: &str, value: impl Display) -> Extension<Self> {
        Extension(Self(format!("{name}={value}")))
    }
}
