//! The suite of the whole system with the AWS emulator MiniStack and the functions in this process: with tables, topic and queues there, and
//! with the tables there and RabbitMQ. `ORDERFLOW_MINISTACK` names the emulator's executable; `cargo xtask tools ministack` installs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dead_letters;
mod mode;
mod reconciled;

mod sqs {
    use crate::mode::AwsMode;

    orderflow_tests::suite!(AwsMode);
}

mod rabbitmq {
    use crate::mode::RabbitMode;

    orderflow_tests::suite!(RabbitMode);
}
