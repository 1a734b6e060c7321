//! Declares exchange, queues and bindings as the subscription table lists them. Declaring an existing queue changes nothing.

use std::time::Duration;

use futures::future::join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ErrorKind, ExchangeKind};
use orderflow_domain::EventType;
use orderflow_messaging::{DELIVERY_LIMIT, SUBSCRIPTIONS};

use super::RabbitError;
use super::names::{DELAY_TIERS, EXCHANGE, dead_letter_queue, delay_queue, queue};

/// The `x-delivery-limit` of dead-letter queues. Listing a dead letter counts as a delivery, so with the broker's default limit (20 since RabbitMQ 4.0)
/// twenty listings would drop it.
const DLQ_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// Declares the exchange, all queues and all bindings.
///
/// # Errors
/// [`RabbitError::Mismatch`] names an exchange or queue that exists with other arguments. It is not changed.
pub(super) async fn declare(channel: &Channel) -> Result<(), RabbitError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared =
        channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await;
    declared.map_err(|error| refused(EXCHANGE, &error))?;
    // All declarations are sent before the first answer is awaited, because every process makes them when it starts.
    let queues = SUBSCRIPTIONS.iter().flat_map(|row| queues_of(row.consumer));
    let declared = join_all(queues.map(|(name, arguments)| declare_queue(channel, name, arguments))).await;
    first_error(declared)?;
    let bindings = SUBSCRIPTIONS.iter().flat_map(|row| row.types.iter().map(|kind| (row.consumer, *kind)));
    first_error(join_all(bindings.map(|(consumer, event_type)| bind(channel, consumer, event_type))).await)
}

/// Returns the names of the exchange and all queues.
pub(super) fn names() -> Vec<String> {
    let queues = SUBSCRIPTIONS.iter().flat_map(|row| queues_of(row.consumer)).map(|(name, _)| name);
    std::iter::once(EXCHANGE.to_owned()).chain(queues).collect()
}

/// Returns whether the exchange or queue exists. The broker closes the channel if it does not.
pub(super) async fn exists(channel: &Channel, name: &str) -> Result<bool, RabbitError> {
    let declared = if name == EXCHANGE {
        let passive =
            ExchangeDeclareOptions { passive: true, durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(name.into(), ExchangeKind::Topic, passive, FieldTable::default()).await
    } else {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        channel.queue_declare(name.into(), passive, FieldTable::default()).await.map(drop)
    };
    match declared {
        Ok(()) => Ok(true),
        Err(error) if is_not_found(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether events can be published and consumed: the exchange and every consumer's queue exist.
pub(super) async fn carries_events(channel: &Channel) -> bool {
    let names = SUBSCRIPTIONS.iter().map(|row| queue(row.consumer)).chain([EXCHANGE.to_owned()]);
    let found = join_all(names.map(async |name| exists(channel, &name).await)).await;
    found.iter().all(|found| matches!(found, Ok(true)))
}

/// Returns the first mismatch, or else the first error. A refused declaration closes the channel, so the later ones fail as well.
fn first_error(results: Vec<Result<(), RabbitError>>) -> Result<(), RabbitError> {
    let errors: Vec<RabbitError> = results.into_iter().filter_map(Result::err).collect();
    let mismatch = errors.iter().find(|error| matches!(error, RabbitError::Mismatch { .. }));
    mismatch.or(errors.first()).cloned().map_or(Ok(()), Err)
}

fn queues_of(consumer: &str) -> Vec<(String, FieldTable)> {
    let (main, dead) = (queue(consumer), dead_letter_queue(consumer));
    let mut queues: Vec<(String, FieldTable)> =
        DELAY_TIERS.iter().map(|delay| (delay_queue(consumer, *delay), delaying(*delay, &main))).collect();
    queues.push((main, limited(dead_lettering_to(&dead), i64::from(DELIVERY_LIMIT))));
    queues.push((dead, limited(quorum(), DLQ_DELIVERY_LIMIT)));
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

/// Returns the arguments of a quorum queue that dead-letters at least once. The default strategy loses messages that the target queue does
/// not take. At-least-once needs the overflow behaviour `reject-publish`.
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

/// Returns a mismatch for 406 PRECONDITION_FAILED, with which the broker refuses other arguments (AMQP 0-9-1, queue.declare).
fn refused(name: &str, error: &lapin::Error) -> RabbitError {
    match error.kind() {
        ErrorKind::ProtocolError(answer) if answers(error, AMQPSoftError::PRECONDITIONFAILED) => {
            RabbitError::Mismatch { name: name.to_owned(), reason: answer.get_message().to_string() }
        }
        _ => RabbitError::Broken(error.to_string()),
    }
}

/// Returns whether the broker closed the channel because an exchange or queue does not exist.
pub(super) fn is_not_found(error: &lapin::Error) -> bool {
    answers(error, AMQPSoftError::NOTFOUND)
}

/// Returns whether the broker closed the channel with this error.
fn answers(error: &lapin::Error, expected: AMQPSoftError) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(answer) if *answer.kind() == AMQPErrorKind::Soft(expected))
}
