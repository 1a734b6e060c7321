//! Shared by tests: real servers that are private to one test and stopped at its end, fault injection, and the conformance suite of
//! brokers.
//!
//! - [`rie::RuntimeEmulator`] runs a Lambda bundle under AWS's Runtime Interface Emulator.
//! - [`aiosmtpd::Aiosmtpd`] is a mail server that stores the mail that it receives.
//! - [`mail_server::MailServer`] is a mail server in the test's own process, which can refuse any command.
//! - [`ministack::MiniStack`] emulates AWS services.
//! - [`localstripe::LocalStripe`] emulates Stripe.
//! - [`rabbitmq::RabbitMq`] is a broker that can be stopped, killed and restarted.
//! - [`collector::Collector`] receives spans.
//! - [`program::Program`] is the program `orderflow` as a process.
//! - [`process::ServerProcess`] is the process under each of them.
//! - [`faults`] makes publishers and functions fail.
//! - [`service`] runs one service over a store in memory, for tests of its consumer and its routes; [`samples`] has events for it.
//! - [`conformance`] tests what every broker must guarantee, and [`store_conformance`] what every backend of the store must.

pub mod aiosmtpd;
pub mod collector;
pub mod conformance;
pub mod faults;
pub mod localstripe;
pub mod mail_server;
pub mod ministack;
pub mod process;
pub mod program;
pub mod rabbitmq;
pub mod rie;
pub mod samples;
pub mod service;
pub mod store_conformance;

mod error;
mod ports;

pub use error::{Error, Result};
