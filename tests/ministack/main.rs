//! The whole-system suite on an emulator of AWS, the functions in this process: with tables, topic and queues there, and with the tables there
//! and RabbitMQ. `ORDERFLOW_MINISTACK` says where the emulator is; `cargo xtask test --install` installs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dead_letters;
mod mode;

mod sqs {
    use crate::mode::AwsMode;

    orderflow_tests::suite!(AwsMode);
}

mod rabbitmq {
    use crate::mode::RabbitMode;

    orderflow_tests::suite!(RabbitMode);
}
