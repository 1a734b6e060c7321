//! Declares exchange, queues and bindings as the subscription table lists them. Declaring an existing queue changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};
use orderflow_domain::EventType;
use orderflow_messaging::{DELIVERY_LIMIT, SUBSCRIPTIONS};

use super::RabbitError;
use super::closing::close;
use super::names::{DELAY_TIERS, EXCHANGE, dead_letter_queue, delay_queue, queue};
use super::refusal::{Refusal, to_bind, to_declare};

/// The `x-delivery-limit` of dead-letter queues. Listing a dead letter counts as a delivery, so with the broker's default limit (20 since RabbitMQ 4.0)
/// twenty listings would drop it.
const DLQ_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// A binding that is declared twice. AMQP does not tell whether a binding exists, so its removal goes unnoticed: until the next reconciliation the
/// broker would drop the events of its type. With two, the other one still routes them. A queue gets a message once, however many bindings match.
#[derive(Clone, Copy)]
enum BindingCopy {
    First,
    Spare,
}

impl BindingCopy {
    /// Returns the arguments, which tell the two bindings apart. A topic exchange ignores them.
    fn arguments(self) -> FieldTable {
        let mut arguments = FieldTable::default();
        if matches!(self, Self::Spare) {
            arguments.insert("x-orderflow-copy".into(), text("spare"));
        }
        arguments
    }
}

/// Declares the exchange, all queues and all bindings.
///
/// # Errors
/// [`RabbitError::Mismatch`] names an exchange or queue that exists with other arguments. It is not changed.
pub(super) async fn declare(channel: &Channel) -> Result<(), RabbitError> {
    declare_exchange(channel).await?;
    // All declarations are sent before the first answer is awaited, because every process makes them when it starts.
    let queues = SUBSCRIPTIONS.iter().flat_map(|row| queues_of(row.consumer));
    let declared = join_all(queues.map(|(name, arguments)| declare_queue(channel, name, arguments))).await;
    first_error(declared)?;
    bind_all(channel).await
}

/// Binds every queue to the types of its consumer. A binding that exists stays as it is.
async fn bind_all(channel: &Channel) -> Result<(), RabbitError> {
    let each = |(consumer, kind, copy)| bind(channel, consumer, kind, copy);
    first_error(join_all(bindings().map(each)).await)
}

/// Returns every binding: consumer, event type, and which of its copies it is.
fn bindings() -> impl Iterator<Item = (&'static str, EventType, BindingCopy)> {
    let rows = SUBSCRIPTIONS.iter().flat_map(|row| row.types.iter().map(|kind| (row.consumer, *kind)));
    rows.flat_map(|(consumer, kind)| {
        [BindingCopy::First, BindingCopy::Spare].map(|copy| (consumer, kind, copy))
    })
}

/// Returns the permissions that the account lacks for declaring, each of exchange, queues and bindings tried on a channel of its own.
pub(super) async fn refusals(connection: &Connection) -> Result<BTreeSet<Refusal>, RabbitError> {
    let channel = || async { Ok::<_, RabbitError>(connection.create_channel().await?) };
    let exchange = async { declare_exchange(&channel().await?).await };
    let queues = SUBSCRIPTIONS.iter().flat_map(|row| queues_of(row.consumer));
    let queues = queues.map(|(name, arguments)| async {
        let channel = channel().await?;
        let declared = declare_queue(&channel, name, arguments).await;
        close(&channel).await;
        declared
    });
    let mut results = join_all(queues).await;
    results.push(exchange.await);
    let bindings = bindings().filter(|(_, _, copy)| matches!(copy, BindingCopy::First));
    let bindings = bindings.map(|(consumer, kind, copy)| async move {
        let channel = channel().await?;
        let bound = bind(&channel, consumer, kind, copy).await;
        close(&channel).await;
        bound
    });
    results.extend(join_all(bindings).await);
    let mut refusals = BTreeSet::new();
    for result in results {
        match result {
            Err(RabbitError::Refused(refusal)) => drop(refusals.insert(refusal)),
            // What does not exist cannot be bound yet.
            Ok(()) | Err(RabbitError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(refusals)
}

/// Returns the names of the exchange and queues that do not exist.
pub(super) async fn missing(connection: &Connection) -> Result<Vec<String>, RabbitError> {
    let (names, mut missing, mut next) = (names(), Vec::new(), 0);
    while let Some(left) = names.get(next..).filter(|left| !left.is_empty()) {
        let channel = connection.create_channel().await?;
        let found = join_all(left.iter().map(|name| exists(&channel, name))).await;
        close(&channel).await;
        // The first that is missing closes the channel, which says nothing about those after it.
        let Some(first) = found.iter().position(|found| !matches!(found, Ok(true))) else { break };
        if let Some(Err(error)) = found.into_iter().nth(first) {
            return Err(error);
        }
        missing.push(names[next + first].clone());
        next += first + 1;
    }
    Ok(missing)
}

/// Returns the names of the exchange and all queues.
fn names() -> Vec<String> {
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

/// Returns the first mismatch or refusal, or else the first error. A refused declaration closes the channel, so the later ones fail as well.
fn first_error(results: Vec<Result<(), RabbitError>>) -> Result<(), RabbitError> {
    let errors: Vec<RabbitError> = results.into_iter().filter_map(Result::err).collect();
    let is_cause =
        |error: &&RabbitError| matches!(error, RabbitError::Mismatch { .. } | RabbitError::Refused(_));
    let mismatch = errors.iter().find(is_cause);
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

async fn declare_exchange(channel: &Channel) -> Result<(), RabbitError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared =
        channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await;
    declared.map_err(|error| refused(EXCHANGE, error))
}

async fn declare_queue(channel: &Channel, name: String, arguments: FieldTable) -> Result<(), RabbitError> {
    let declared =
        channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), arguments).await;
    declared.map(drop).map_err(|error| refused(&name, error))
}

async fn bind(
    channel: &Channel,
    consumer: &str,
    event_type: EventType,
    copy: BindingCopy,
) -> Result<(), RabbitError> {
    let (queue, key) = (queue(consumer), event_type.as_str().into());
    let (options, arguments) = (QueueBindOptions::default(), copy.arguments());
    let bound = channel.queue_bind(queue.as_str().into(), EXCHANGE.into(), key, options, arguments).await;
    bound.map_err(|error| match Refusal::of(&error, to_bind) {
        Some(refusal) => RabbitError::Refused(refusal),
        None if is_not_found(&error) => RabbitError::Missing { name: queue },
        None => error.into(),
    })
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
fn refused(name: &str, error: lapin::Error) -> RabbitError {
    match error.kind() {
        ErrorKind::ProtocolError(answer) if answers(&error, AMQPSoftError::PRECONDITIONFAILED) => {
            RabbitError::Mismatch { name: name.to_owned(), reason: answer.get_message().to_string() }
        }
        _ => match Refusal::of(&error, to_declare) {
            Some(refusal) => RabbitError::Refused(refusal),
            None => error.into(),
        },
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
