//! Messaging without a transport: events, consumers, and the decision about each delivery. The crates above connect it to SNS and SQS
//! (`orderflow-sqs`), RabbitMQ and memory (`orderflow-bridge`), and Lambda's event sources (`orderflow-lambda`).
//!
//! - A service implements [`Consumer`]: a batch of events in, one [`Outcome`] for each out.
//! - [`QueueFunction`] puts it behind the JSON contract of [`RecordBatch`] and [`QueueResponse`]. Every host invokes the same function.
//! - The host calls [`decide`] once for each delivery and carries out the [`Disposition`]: acknowledge, retry or dead-letter. The decision is counted
//!   and logged there and nowhere else, so metrics agree with what happened to the message.
//! - A [`DeadLetter`] has the same fields on every transport.

mod admin;
mod batch;
mod consumer;
mod consumer_switch;
mod dead_letter;
mod disposition;
mod function;
mod grouping;
mod observation;
mod publisher;
mod retry;
mod subscription;
mod target;

pub use admin::{AdminError, Progress, QueueAdmin, QueueStatus, Selection};
pub use batch::{DeadLettered, ItemFailure, QueueResponse, Record, RecordBatch, UnknownRecord};
pub use consumer::{Consumer, Delivery, Outcome};
pub use consumer_switch::ConsumerSwitch;
pub use dead_letter::{
    DELIVERY_LIMIT, DeadLetter, DeadLetterCode, DeadLetterError, DeadLetterQueue, MessageField, body_id,
    message_id, storable_reason,
};
pub use disposition::{Delivered, Disposition, decide};
pub use function::{InvokeError, QueueFunction};
pub use grouping::{Positions, group_by_key};
pub use publisher::{PublishError, Publisher};
pub use retry::{AttemptHistory, RetryPolicy};
pub use subscription::{SUBSCRIPTIONS, Subscription, UnknownConsumer, subscription};
pub use target::{Invoked, Target, TargetError, invoke, invoke_held};
