//! Messaging without a transport: events, consumers, and the decision about each delivery. The crates above connect it to SNS and SQS
//! (`orderflow-sqs`), RabbitMQ and memory (`orderflow-bridge`), and Lambda's event sources (`orderflow-lambda`).
//!
//! - A service implements [`Consumer`]: a batch of events in, one [`Outcome`] for each out.
//! - [`QueueFunction`] puts it behind the JSON contract of [`RecordBatch`] and [`QueueResponse`]. Every host invokes the same function.
//! - The host decides once about each delivery ([`Disposition::of`]) and carries it out: acknowledge, retry or dead-letter. What it did is counted and
//!   logged by [`Disposition::report`] and nowhere else, after it is durable.
//! - A [`DeadLetter`] has the same fields on every transport.

mod admin;
mod batch;
mod catching_up;
mod consumer;
mod consumer_switch;
mod dead_letter;
mod disposition;
mod function;
mod grouping;
mod hidden_token;
mod observation;
mod publisher;
mod retry;
mod subscription;
mod target;

pub use admin::{
    AdminError, COUNTED_MAX, DeadLetterPage, DeadLetterVisit, QueueAdmin, QueueStatus, ReplayProgress,
    Selection,
};
pub use batch::{DeadLettered, ItemFailure, QueueResponse, Record, RecordBatch, UnknownRecord};
pub use consumer::{Consumer, Delivery, Outcome};
pub use consumer_switch::ConsumerSwitch;
pub use dead_letter::{
    DELIVERY_LIMIT, DeadLetter, DeadLetterCode, DeadLetterError, DeadLetterQueue, MessageField, body_id,
    message_id, storable_reason,
};
pub use disposition::{Attempt, Disposition, report_unstored};
pub use function::{InvokeError, QueueFunction};
pub use grouping::{Positions, group_by_key};
pub use hidden_token::{HIDDEN_TOKEN, hide_payment_tokens, restore_payment_token};
pub use publisher::{PublishError, Publisher};
pub use retry::{AttemptHistory, ISOLATED_FROM_DELIVERY, RetryPolicy, is_isolated};
pub use subscription::{ConsumerName, SUBSCRIPTIONS, Subscription, UnknownConsumer, subscription};
pub use target::{Invoked, Target, TargetError, invoke, invoke_with_hold};
