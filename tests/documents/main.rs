//! The served documents agree with the code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod calls;
mod compatible;
mod consumed;
mod requests;
mod served;
mod valid;
