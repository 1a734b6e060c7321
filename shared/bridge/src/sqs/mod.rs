//! SQS as the broker: a topic of SNS that events are published to, and for each consumer a queue and a queue of dead letters, polled in
//! this process as an event source mapping of Lambda would.
//!
//! A message is deleted when its function answered and what it answered is durable. What has to come again is hidden until then. SQS
//! counts every receipt of a message, so here attempts are receipts: those of processes that died, and those that were not tried,
//! count too. The age that a message has to reach before it is given up makes up for that.

mod batch;
mod consumer;

pub use consumer::SqsConsumer;
