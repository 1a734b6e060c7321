//! What tests stand on: real servers, private to one test, that are gone when the test ends; faults; and the suite that every broker
//! has to pass.
//!
//! - [`rie::RuntimeEmulator`] runs a Lambda bundle under AWS's Runtime Interface Emulator.
//! - [`aiosmtpd::Aiosmtpd`] is a mail server that keeps what it is given.
//! - [`ministack::MiniStack`] emulates AWS services.
//! - [`localstripe::LocalStripe`] stands in for Stripe.
//! - [`rabbitmq::RabbitMq`] is a broker that can be stopped, killed and restarted.
//! - [`collector::Collector`] takes spans.
//! - [`program::Program`] is the program `orderflow` as a process.
//! - [`process::ServerProcess`] is what they are made of.
//! - [`faults`] makes publishers and functions fail.
//! - [`service`] runs one service over a store in memory, for tests of its consumer and its routes; [`samples`] has events for it.
//! - [`conformance`] says what a broker has to be like.

pub mod aiosmtpd;
pub mod collector;
pub mod conformance;
pub mod faults;
pub mod localstripe;
pub mod ministack;
pub mod process;
pub mod program;
pub mod rabbitmq;
pub mod rie;
pub mod samples;
pub mod service;

mod error;
mod ports;

pub use error::{Error, Result};
