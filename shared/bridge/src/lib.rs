//! Does outside Lambda what event source mappings do there: polls table streams for the relay, receives messages from a broker, and
//! invokes the functions with batches of them.
//!
//! Functions get the same payloads as on Lambda: a batch is an `SqsEvent` in JSON, and the response is a partial batch response.

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

/// The delays between attempts to consume a queue that fails.
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
