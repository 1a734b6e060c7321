//! The stored form of items: attributes sorted by name, each with its length, so that a reader skips what it does not need. Equal values have
//! equal bytes: numbers are normalised, and sets are sorted.

mod attributes;
mod bytes;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use attributes::{Attributes, join, size, type_name};
pub(crate) use bytes::Undecodable;
pub(crate) use read::{decode, decode_value};
pub(crate) use write::{Invalid, encode, encode_number, encode_text, encode_value};
