//! The queues of SQS, and what operators do with them: the same from outside of a deployment, in a bundle, and where the queues
//! are polled.

mod admin;
mod dead_letter_session;
mod error;
mod letter;
mod names;
mod queue;
mod queues;
mod sns;
#[cfg(test)]
mod stub;
mod subscriptions;
mod topology;

pub use admin::SqsAdmin;
pub use error::SqsError;
pub use letter::{Attributes, GivenUp};
pub use names::{SqsNames, queue_arn};
pub use queue::{Counts, MAX_ENTRIES, Queue};
pub use queues::{ConsumerQueues, QueueUrls, Sqs, SqsQueues};
pub use sns::SnsPublisher;
pub use topology::{SqsTopology, ensure};
