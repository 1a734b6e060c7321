//! One contract for every queue: a batch of decoded events goes to a [`Consumer`], which gives one [`Outcome`] for each.
//!
//! [`QueueFunction`] is the face that a consumer shows in every mode: `SqsEvent` in, partial batch failures out. On
//! Lambda the runtime calls it; elsewhere a bridge calls the very same function with the very same JSON.

mod admin;
mod amazon_mq;
pub mod amqp;
mod consumer;
mod dead_letter;
mod function;
mod grouping;
mod measure;
mod publisher;
mod queue_event;
mod record;
mod response;
mod retry;
mod spans;
mod sqs;
#[cfg(test)]
mod sqs_stub;
mod subscription;

pub use admin::{AdminError, Progress, QueueAdmin, QueueStatus, Selection, StoredDeadLetter};
pub use amazon_mq::AmazonMqEvent;
pub use consumer::{Consumer, Delivery, Outcome};
pub use dead_letter::{DeadLetter, DeadLetterError, DeadLetterQueue, body_id};
pub use function::{InvokeError, QueueFunction, SQS_EVENT_SOURCE};
pub use grouping::{Positions, group_by_key};
pub use publisher::{PublishError, Publisher};
pub use queue_event::{BatchError, QueueEvent};
pub use response::{DeadLettered, ItemFailure, QueueResponse};
pub use retry::{RetryPolicy, RetryPolicyError, Verdict};
pub use sqs::{SqsDeadLetterQueue, SqsQueue, SqsSettings, SqsSettingsError};
pub use subscription::{SUBSCRIPTIONS, Subscription, UnknownConsumer, subscription};
