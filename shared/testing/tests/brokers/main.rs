//! The conformance suite over brokers that need no installation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod memory;

orderflow_testing::broker_suite!(memory::Memory);
