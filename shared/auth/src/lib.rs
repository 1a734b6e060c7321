//! Who may call which operation of the HTTP API: verifies the bearer token of a request in front of the router, and compares its
//! scopes with the table of operations.
//!
//! [`Access`] is read from the settings and put around a router with [`Access::guard`]. The operation is the route that the router has
//! matched, never the path as the client wrote it, so that the path that is authorised is the path that is dispatched.

mod access;
mod audit;
mod issuer;
mod jwks;
mod keys;
mod operations;
mod token_error;
mod verifier;

#[cfg(test)]
mod test_issuer;

pub use access::{Access, WithoutAuthentication};
pub use operations::{Need, need_of, operations};
pub use token_error::TokenError;
pub use verifier::Verifier;
