//! RabbitMQ as the broker: a topic exchange that events are published to, and for each consumer a quorum queue, one delay queue for each
//! delay tier, and a dead-letter queue.
//!
//! A message is acknowledged only after the broker confirmed its successor: an event counts as published when the broker confirmed it, and
//! a delivery is acknowledged when its function answered and the resulting retry or dead letter is confirmed. Broken connections are made
//! again with backoff; the broker then redelivers what was in flight.

mod address;
mod admin;
mod batch;
mod closing;
mod connection;
mod consumer;
mod dead_letter_session;
mod error;
mod header_limit;
mod headers;
mod in_flight;
mod inspection;
mod isolation;
mod link;
mod names;
mod prefetched;
mod probe;
mod publisher;
mod reconciler;
mod refusal;
mod rights;
mod topology;
mod transfer;
mod waiting;

pub use address::{BrokerAddress, BrokerUri, BrokerUriError};
pub use admin::RabbitAdmin;
pub use connection::RabbitMq;
pub use consumer::RabbitConsumer;
pub use error::RabbitError;
pub use inspection::{ProbeRoute, QueueInspection};
pub use names::{EXCHANGE, dead_letter_queue, queue};
pub use probe::{BrokerProbe, probe};
pub use publisher::RabbitPublisher;
pub use reconciler::{Publishing, TopologyReconciler};
pub use refusal::{Permission, Refusal};
