//! What a broker is, and what the account may do there, for `orderflow doctor`. It leaves nothing behind.

use std::time::Duration;

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::BrokerAddress;
use super::closing::close;
use super::connection::RabbitMq;
use super::names::EXCHANGE;
use super::refusal::{Permission, Refusal, to_bind, to_declare};
use super::{RabbitError, topology};

/// A queue of the probe alone, which its connection takes with it. Its name matches permissions that are given for `orderflow.`.
const QUEUE: &str = "orderflow.doctor";

/// The time for the whole probe.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The first bytes of a connection of AMQP 0-9-1 (section 4.2.2 of its specification).
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// More than the first frame of any broker; its length is in bytes 3 to 6.
const FRAME_BYTES_MAX: usize = 65_536;

/// What a broker is, and what the account may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerProbe {
    /// The version that the broker names; `None` over TLS, and if it names none.
    pub version: Option<String>,
    /// The permissions that the account lacks.
    pub lacking: Vec<Refusal>,
    /// The names of exchange and queues that do not exist. The program declares them when it starts.
    pub missing: Vec<String>,
}

/// Connects to a broker, asks for its version, and tries what the account may do.
///
/// # Errors
/// [`RabbitError`] if the broker cannot be reached or refuses the account.
pub async fn probe(address: &BrokerAddress) -> Result<BrokerProbe, RabbitError> {
    let broker = address.uri.to_string();
    let unreachable = |reason: String| RabbitError::Unreachable { broker: broker.clone(), reason };
    let probed = async {
        let connection = RabbitMq::new(address.clone()).open().await.map_err(unreachable)?;
        let lacking = lacking(&connection).await?;
        let missing = topology::missing(&connection).await?;
        // A connection that fails to close is broken, which ends it as well.
        let _closed = connection.close(200, "done".into()).await;
        Ok(BrokerProbe { version: version(address).await, lacking, missing })
    };
    timeout(TIMEOUT, probed)
        .await
        .unwrap_or_else(|_| Err(unreachable(format!("it did not answer within {TIMEOUT:?}"))))
}

/// Tries to publish, and to declare, bind and read a queue of this connection alone.
async fn lacking(connection: &Connection) -> Result<Vec<Refusal>, RabbitError> {
    let mut lacking = Vec::new();
    let has_exchange = {
        let channel = connection.create_channel().await?;
        let found = topology::exists(&channel, EXCHANGE).await;
        close(&channel).await;
        found?
    };
    let declared = attempt(connection, async |channel| {
        let own =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(QUEUE.into(), own, FieldTable::default()).await;
        declared.map(drop).map_err(|error| refused(error, to_declare))
    });
    if note(declared.await, &mut lacking)? {
        let read = attempt(connection, async |channel| {
            Ok(channel.basic_get(QUEUE.into(), BasicGetOptions { no_ack: true }).await.map(drop)?)
        });
        note(read.await, &mut lacking)?;
        if has_exchange {
            let bound = attempt(connection, async |channel| {
                let (queue, exchange, options) = (QUEUE.into(), EXCHANGE.into(), QueueBindOptions::default());
                let bound = channel.queue_bind(queue, exchange, QUEUE.into(), options, FieldTable::default());
                bound.await.map_err(|error| refused(error, to_bind))
            });
            note(bound.await, &mut lacking)?;
        }
    }
    for exchange in std::iter::once("").chain(has_exchange.then_some(EXCHANGE)) {
        let published = attempt(connection, async |channel| publish(&channel, exchange).await);
        note(published.await, &mut lacking)?;
    }
    Ok(lacking)
}

/// Publishes an empty message that only the queue of the probe receives, if there is one.
async fn publish(channel: &Channel, exchange: &str) -> Result<(), RabbitError> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel.basic_publish(exchange.into(), QUEUE.into(), options, &[], properties).await?;
    Ok(confirm.await.map(drop)?)
}

fn refused(error: lapin::Error, otherwise: fn(&str) -> Permission) -> RabbitError {
    Refusal::of(&error, otherwise).map_or_else(|| error.into(), RabbitError::Refused)
}

/// Runs an attempt on a channel of its own, which the broker closes when it refuses.
async fn attempt(
    connection: &Connection,
    run: impl AsyncFnOnce(Channel) -> Result<(), RabbitError>,
) -> Result<(), RabbitError> {
    let channel = connection.create_channel().await?;
    let result = run(channel.clone()).await;
    close(&channel).await;
    result
}

/// Adds a refusal to the list. Returns whether the attempt succeeded.
fn note(result: Result<(), RabbitError>, lacking: &mut Vec<Refusal>) -> Result<bool, RabbitError> {
    match result {
        Ok(()) => Ok(true),
        Err(RabbitError::Refused(refusal)) => {
            lacking.push(refusal);
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Asks the broker for its version. It names it in the first frame of a connection, before the client says who it is. The client library does not
/// hand that frame on.
async fn version(address: &BrokerAddress) -> Option<String> {
    let uri = address.uri.to_amqp();
    if uri.scheme != lapin::uri::AMQPScheme::AMQP {
        return None;
    }
    let host = uri.authority.host.trim_matches(['[', ']']).to_owned();
    let mut stream = TcpStream::connect((host, uri.authority.port)).await.ok()?;
    stream.write_all(PROTOCOL_HEADER).await.ok()?;
    let mut header = [0; 7];
    stream.read_exact(&mut header).await.ok()?;
    let length = u32::from_be_bytes(header[3..].try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= FRAME_BYTES_MAX)?;
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await.ok()?;
    version_in(&frame)
}

/// Returns the value of `version` in the properties of a `connection.start`: a short string as the key, then the type `S`, the length and the text.
fn version_in(frame: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\x07versionS";
    let after = frame.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let (length, rest) = frame.get(after..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_first_frame() {
        let frame = b"\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x16\x07versionS\x00\x00\x00\x063.10.8\x05other";
        assert_eq!(version_in(frame).as_deref(), Some("3.10.8"));
        assert_eq!(version_in(b"\x07versionS\x00\x00\x00\xff3"), None);
        assert_eq!(version_in(b"no properties"), None);
    }
}
