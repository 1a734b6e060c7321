//! SNS and SQS: a topic that events are published to, and for each consumer a queue and a dead-letter queue. Holds the publisher, the topology, the
//! poller that delivers messages to functions, and the administration of dead letters. A bundle, the program and the CLI use the same code.

mod admin;
mod completeness;
mod dead_letter;
mod dead_letter_session;
mod error;
mod names;
mod poller;
mod provisioner;
mod queue;
mod queues;
mod reconciler;
mod sns;
#[cfg(test)]
mod stub;
mod topology;
mod waiting;

pub use admin::SqsAdmin;
pub use error::SqsError;
pub use names::{SqsNames, queue_arn};
pub use poller::SqsConsumer;
pub use provisioner::{Piece, Provisioned, Provisioner, ensure};
pub use queue::{Attributes, Counts, Queue};
pub use queues::{ConsumerQueues, QueueUrls, Sqs, SqsQueues};
pub use reconciler::SqsReconciler;
pub use sns::SnsPublisher;
pub use topology::SqsTopology;
