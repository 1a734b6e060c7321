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
use tokio::time::timeout;

use super::RabbitError;
use super::closing::close;
use super::names::{DELAY_TIERS, EXCHANGE, dead_letter_queue, delay_queue, queue};
use super::refusal::{Refusal, to_bind, to_declare};

/// The `x-delivery-limit` of dead-letter queues. Listing a dead letter counts as a delivery, so with the broker's default limit (20 since RabbitMQ 4.0)
/// twenty listings would drop it.
const DLQ_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// The time that the broker may take to declare the queues and bindings of one consumer.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(6);

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

/// Which queues are declared.
#[derive(Clone, Copy)]
pub(super) enum Queues<'a> {
    All,
    /// Those that were found missing. One that vanishes afterwards is found by the next look, and not created in silence: binding it fails.
    Missing(&'a BTreeSet<String>),
}

impl Queues<'_> {
    fn include(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Missing(names) => names.contains(name),
        }
    }
}

/// Declares the exchange, these queues and all bindings. Those of each consumer are declared on a channel of their own: a queue that the broker is still
/// deleting answers late, and delays no other consumer.
///
/// # Errors
/// [`RabbitError::Mismatch`] names an exchange or queue that exists with other arguments. It is not changed. [`RabbitError::Missing`] names a queue that
/// does not exist and is not one of `queues`.
pub(super) async fn declare(connection: &Connection, queues: Queues<'_>) -> Result<(), RabbitError> {
    let channel = connection.create_channel().await?;
    let exchange = declare_exchange(&channel).await;
    close(&channel).await;
    exchange?;
    let consumers = SUBSCRIPTIONS.iter().map(|row| async {
        let declared = timeout(CONSUMER_TIMEOUT, declare_consumer(connection, row.consumer, queues)).await;
        declared.unwrap_or_else(|_| {
            Err(RabbitError::Broken(format!("the queues of {} were not declared in time", row.consumer)))
        })
    });
    first_error(join_all(consumers).await)
}

/// Declares the queues of a consumer, and binds its queue to its types. What exists stays as it is.
async fn declare_consumer(
    connection: &Connection,
    consumer: &'static str,
    queues: Queues<'_>,
) -> Result<(), RabbitError> {
    let channel = connection.create_channel().await?;
    // All declarations are sent before the first answer is awaited, because every process makes them when it starts.
    let wanted = queues_of(consumer).into_iter().filter(|(name, _)| queues.include(name));
    let declared = join_all(wanted.map(|(name, arguments)| declare_queue(&channel, name, arguments))).await;
    let bound = match first_error(declared) {
        Ok(()) => {
            let own = bindings().filter(|(name, _, _)| *name == consumer);
            first_error(join_all(own.map(|(_, kind, copy)| bind(&channel, consumer, kind, copy))).await)
        }
        error => error,
    };
    close(&channel).await;
    bound
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
    let names = names();
    let channel = connection.create_channel().await?;
    let found = join_all(names.iter().map(|name| exists(&channel, name))).await;
    close(&channel).await;
    // The first that is missing closes the channel, so each of those after it gets a channel of its own.
    let Some(first) = found.iter().position(|found| !matches!(found, Ok(true))) else {
        return Ok(Vec::new());
    };
    let each = names.into_iter().skip(first).map(|name| async move {
        let channel = connection.create_channel().await?;
        let found = exists(&channel, &name).await;
        close(&channel).await;
        Ok::<_, RabbitError>((!found?).then_some(name))
    });
    let missing: Result<Vec<_>, RabbitError> = join_all(each).await.into_iter().collect();
    Ok(missing?.into_iter().flatten().collect())
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
