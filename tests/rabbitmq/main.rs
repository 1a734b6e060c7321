//! The suite of the whole system with the embedded store and a real RabbitMQ.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mode;

use mode::RabbitMode;

orderflow_tests::suite!(RabbitMode);
