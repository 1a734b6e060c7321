//! RabbitMQ as the broker: a topic exchange that events are published to, and for each consumer a quorum queue, a ladder of
//! delay queues for what has to come again, and a queue of dead letters.
//!
//! Everything that moves a message is confirmed before the message is taken from where it was: an event counts as
//! published when the broker confirmed it, a delivery is acknowledged when its function answered and what it answered is
//! durable. Connections that break are made again, with backoff; what was in hand comes again.

mod admin;
mod batch;
mod confirming;
mod connection;
mod consumer;
mod dead_letter;
mod dead_letters;
mod error;
mod headers;
mod in_flight;
mod moves;
mod names;
mod publisher;
mod topology;

pub use admin::RabbitAdmin;
pub use connection::{BrokerAddress, BrokerUri, BrokerUriError, RabbitMq};
pub use consumer::RabbitConsumer;
pub use error::RabbitError;
pub use names::{EXCHANGE, dead_letter_queue, queue};
pub use publisher::RabbitPublisher;
