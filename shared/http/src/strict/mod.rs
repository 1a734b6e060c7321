//! Reads JSON and queries into types strictly, and names the invalid field in errors.
//!
//! Serde's derived types accept an array for an object and, for a repeated key of a map, the last value; the API accepts neither.
//! Their errors have neither the path of the field nor wording for a client of the API. So the input is first parsed into a tree,
//! and the tree is deserialised with errors that have a path.

mod access;
mod data_error;
mod json;
mod query;
mod wording;

pub(crate) use data_error::DataError;
pub(crate) use json::{JsonError, from_json};
pub(crate) use query::from_query;
