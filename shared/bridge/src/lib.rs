//! Does outside Lambda what event source mappings do there: polls table streams for the relay, receives messages from a broker, and
//! invokes the functions with batches of them.
//!
//! Functions get the same payloads as on Lambda: a batch is a `RecordBatch` in JSON, which has the shape of Lambda's event for SQS, and the response is a
//! partial batch response. The poller of SQS is in `orderflow-sqs`.

mod aws;
pub mod memory;
pub mod rabbitmq;
mod relay;
mod runtime_table;
mod targets;

pub use aws::{sdk_config, streams_sdk_config};
pub use aws_sdk_lambda::Client as LambdaClient;
pub use orderflow_messaging::{ConsumerSwitch, Target, TargetError};
pub use relay::{
    Backlog, HeldLease, InFlight, InFlightTracker, NothingInFlight, RelayLease, StreamPoller,
    StreamPollerError, StreamPollerStatus, StreamReads, Wakeup, run_unless_suspended, stream_event,
};
pub use runtime_table::{DeadLetterRow, Delayed, Pause, RUNTIME, RuntimeTable};
pub use targets::{GuardedTarget, LambdaTarget, StreamTarget};
