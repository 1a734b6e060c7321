//! Where messages come from off Lambda: table streams that are read in this process, and brokers that hand batches to
//! the functions, as the event source mappings of Lambda do.
//!
//! The functions see no difference: a batch is an `SqsEvent` in JSON, its answer a partial batch response.

mod aws;
mod guarded;
mod invocation;
mod lambda;
pub mod memory;
pub mod rabbitmq;
mod relay;
mod runtime_table;
pub mod sqs;
mod switch;
mod target;
mod verdict;

/// Delays after a queue could not be consumed.
const RECONNECT: orderflow_backoff::Backoff = orderflow_backoff::Backoff::from_millis(100, 400, 6_400);

pub use aws::{sdk_config, streams_sdk_config};
pub use aws_sdk_lambda::Client as LambdaClient;
pub use guarded::GuardedTarget;
pub use lambda::LambdaTarget;
pub use relay::{
    Backlog, ConfirmingSink, InFlight, NoTrimmer, Position, PositionError, Sink, StreamBatch, StreamError,
    StreamPoller, StreamPollerError, StreamPollerStatus, StreamReader, StreamReads, StreamTrimmer, Wakeup,
};
pub use runtime_table::{DeadLetterRow, Delayed, RUNTIME, RuntimeTable};
pub use switch::ConsumerSwitch;
pub use target::{StreamTarget, Target, TargetError};
