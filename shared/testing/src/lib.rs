//! What tests stand on: real servers, private to one test, that are gone when the test ends.
//!
//! - [`rie::RuntimeEmulator`] runs a Lambda bundle under AWS's Runtime Interface Emulator.
//! - [`ministack::MiniStack`] emulates AWS services.
//! - [`process::ServerProcess`] is what both are made of.

pub mod ministack;
pub mod process;
pub mod rie;

mod error;

pub use error::{Error, Result};
