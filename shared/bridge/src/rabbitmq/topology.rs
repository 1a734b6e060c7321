//! Declaring exchange, queues and bindings from the subscription table. Declaring what is there already changes nothing.

use std::time::Duration;

use futures::future::join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ErrorKind, ExchangeKind};
use orderflow_domain::EventType;
use orderflow_messaging::SUBSCRIPTIONS;

use super::RabbitError;
use super::names::{DELAY_TIERS, EXCHANGE, dead_letter_queue, delay_queue, queue};

/// Deliveries after which the broker itself puts a message out of the way. A message that keeps ending its consumer is isolated long
/// before; without a limit of its own the broker's default (20 since RabbitMQ 4.0) would drop innocents of a long outage.
const DELIVERY_LIMIT: i64 = 1_000;

/// Whoever looks at dead letters has them delivered and gives them back. The broker's default limit would drop them after twenty looks.
const LOOKING_LIMIT: i64 = 1_000_000_000;

/// Declares everything.
///
/// # Errors
/// [`RabbitError::Mismatch`] names what exists with other arguments; nothing is deleted.
pub(super) async fn declare(channel: &Channel) -> Result<(), RabbitError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared =
        channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await;
    declared.map_err(|error| refused(EXCHANGE, &error))?;
    // Sent behind one another, not after each other's answer: every process does this at its start.
    let queues = SUBSCRIPTIONS.iter().flat_map(|row| queues_of(row.consumer));
    let declared = join_all(queues.map(|(name, arguments)| declare_queue(channel, name, arguments))).await;
    all_well(declared)?;
    let bindings = SUBSCRIPTIONS.iter().flat_map(|row| row.types.iter().map(|kind| (row.consumer, *kind)));
    all_well(join_all(bindings.map(|(consumer, event_type)| bind(channel, consumer, event_type))).await)
}

/// The first mismatch, or else the first error: what is refused breaks the channel for all that is sent behind it.
fn all_well(results: Vec<Result<(), RabbitError>>) -> Result<(), RabbitError> {
    let errors: Vec<RabbitError> = results.into_iter().filter_map(Result::err).collect();
    let mismatch = errors.iter().find(|error| matches!(error, RabbitError::Mismatch { .. }));
    mismatch.or(errors.first()).cloned().map_or(Ok(()), Err)
}

fn queues_of(consumer: &str) -> Vec<(String, FieldTable)> {
    let (main, dead) = (queue(consumer), dead_letter_queue(consumer));
    let mut queues: Vec<(String, FieldTable)> =
        DELAY_TIERS.iter().map(|delay| (delay_queue(consumer, *delay), delaying(*delay, &main))).collect();
    queues.push((main, limited(dead_lettering_to(&dead), DELIVERY_LIMIT)));
    queues.push((dead, limited(quorum(), LOOKING_LIMIT)));
    queues
}

async fn declare_queue(channel: &Channel, name: String, arguments: FieldTable) -> Result<(), RabbitError> {
    let declared =
        channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), arguments).await;
    declared.map(drop).map_err(|error| refused(&name, &error))
}

async fn bind(channel: &Channel, consumer: &str, event_type: EventType) -> Result<(), RabbitError> {
    let (queue, key) = (queue(consumer), event_type.as_str().into());
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    Ok(channel.queue_bind(queue.as_str().into(), EXCHANGE.into(), key, options, arguments).await?)
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn limited(mut arguments: FieldTable, deliveries: i64) -> FieldTable {
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(deliveries));
    arguments
}

/// A quorum queue that hands on what it gives up, at least once: the default strategy loses what cannot be handed on. That strategy
/// needs `reject-publish`, since a queue that drops its head could not promise it.
fn dead_lettering_to(target: &str) -> FieldTable {
    let mut arguments = quorum();
    arguments.insert("x-dead-letter-exchange".into(), text(""));
    arguments.insert("x-dead-letter-routing-key".into(), text(target));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

fn delaying(delay: Duration, target: &str) -> FieldTable {
    let mut arguments = dead_lettering_to(target);
    let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(millis));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// 406 PRECONDITION_FAILED is the broker's answer to other arguments (AMQP 0-9-1, queue.declare).
fn refused(name: &str, error: &lapin::Error) -> RabbitError {
    let mismatch = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
    match error.kind() {
        ErrorKind::ProtocolError(answer) if *answer.kind() == mismatch => {
            RabbitError::Mismatch { name: name.to_owned(), reason: answer.get_message().to_string() }
        }
        _ => RabbitError::Broken(error.to_string()),
    }
}
