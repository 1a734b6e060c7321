//! Reads JSON and queries into types, strictly, and says which field is at fault.
//!
//! Serde's derived types are lenient in ways that the contract is not: they take an array for an
//! object, and the last of several values for one key of a map. Their errors carry neither the path
//! nor wording for the caller. So the input becomes a tree first, and the tree deserialises with
//! errors that know their path.

mod access;
mod data_error;
mod json;
mod query;
mod wording;

pub(crate) use data_error::DataError;
pub(crate) use json::{JsonError, from_json};
pub(crate) use query::from_query;
