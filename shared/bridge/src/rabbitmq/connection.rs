//! The connection to the broker, which is opened again after it breaks.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::ConfirmSelectOptions;
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use orderflow_messaging::SUBSCRIPTIONS;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::in_flight::InFlight;
use super::link::{BrokerState, Link};
use super::{RabbitError, topology};

/// The heartbeat interval that the client asks for, in seconds (AMQP 0-9-1, connection.tune). A connection without traffic counts as broken
/// after it.
const HEARTBEAT_SECONDS: u16 = 10;

/// The time that connecting, opening a channel and declaring may take together. Without it, a peer that never answers would block forever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time that opening a connection may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);

/// The time that the broker may take to say which queues exist. Each missing one costs a channel.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// The time that the broker may take to answer a health check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The time that the broker may take to confirm that a channel or connection is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The address of the broker: `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. `Display` and `Debug` omit the credentials,
/// and the virtual host if it is the default.
#[derive(Clone)]
pub struct BrokerUri(AMQPUri);

/// The text is no [`BrokerUri`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as amqp://user:password@host:5672/%2f: {0}")]
pub struct BrokerUriError(String);

impl FromStr for BrokerUri {
    type Err = BrokerUriError;

    fn from_str(text: &str) -> Result<Self, BrokerUriError> {
        // A text that cannot be parsed may still contain a password.
        let hidden = |reason: String| BrokerUriError(reason.replace(text, "..."));
        let mut uri: AMQPUri = text.parse().map_err(hidden)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self(uri))
    }
}

impl BrokerUri {
    /// Returns the address with another password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.0.authority.userinfo.password);
        self
    }

    /// Returns whether these are the user name and the password.
    pub fn has_credentials(&self, user: &str, password: &str) -> bool {
        let known = &self.0.authority.userinfo;
        known.username == user && known.password == password
    }
}

impl fmt::Display for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.0;
        write!(f, "{}:{}", authority.host, authority.port)?;
        // The default virtual host is "/".
        if vhost == "/" { Ok(()) } else { write!(f, "/{vhost}") }
    }
}

impl fmt::Debug for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUri({self})")
    }
}

/// The address of the broker, and the certificate authorities that it is verified with.
#[derive(Debug, Clone)]
pub struct BrokerAddress {
    /// The address.
    pub uri: BrokerUri,
    /// The certificates of these authorities, in PEM. `None` stands for those of the operating system.
    pub ca_certificates: Option<String>,
}

/// A connection to a broker that is opened when it is needed, and again after it breaks.
///
/// A broker that is short of memory or disk blocks every connection that publishes, including its consumers. The relay therefore publishes
/// over a connection of its own, so that consumers can still acknowledge messages.
pub struct RabbitMq {
    address: BrokerAddress,
    link: Mutex<Link>,
    in_flight: BTreeMap<&'static str, InFlight>,
    state: Arc<BrokerState>,
}

impl RabbitMq {
    /// Returns a connection that is opened at its first use.
    pub fn new(address: BrokerAddress) -> Arc<Self> {
        let in_flight = SUBSCRIPTIONS.iter().map(|row| (row.consumer, InFlight::default())).collect();
        Arc::new(Self::sharing(address, in_flight, Arc::default()))
    }

    fn sharing(
        address: BrokerAddress,
        in_flight: BTreeMap<&'static str, InFlight>,
        state: Arc<BrokerState>,
    ) -> Self {
        Self { address, link: Mutex::new(Link::sharing(&state)), in_flight, state }
    }

    /// Returns a second connection to the same broker, opened at its first use. Both know the messages that the other's consumers have in
    /// flight.
    pub fn beside(&self) -> Arc<Self> {
        Arc::new(Self::sharing(self.address.clone(), self.in_flight.clone(), self.state.clone()))
    }

    /// Connects, and declares the exchange and the queues that are missing.
    ///
    /// # Errors
    /// [`RabbitError`] if the broker cannot be reached, or has an exchange or queue of the same name with other arguments.
    pub async fn connect(&self) -> Result<(), RabbitError> {
        let channel = self.channel().await?;
        close(&channel).await;
        Ok(())
    }

    /// Opens a channel with publisher confirms, on a new connection if the old one broke.
    pub(super) async fn channel(&self) -> Result<Channel, RabbitError> {
        match timeout(CONNECT_TIMEOUT, self.try_channel()).await {
            Ok(channel) => channel,
            Err(_) => Err(RabbitError::Unreachable {
                broker: self.address.uri.to_string(),
                reason: format!("it did not answer within {CONNECT_TIMEOUT:?}"),
            }),
        }
    }

    async fn try_channel(&self) -> Result<Channel, RabbitError> {
        let broker = self.address.uri.to_string();
        let mut link = self.link.lock().await;
        if let Some(connection) = link.connection() {
            return confirming(connection).await;
        }
        link.drop_broken();
        if let Some(reason) = link.pause() {
            return Err(RabbitError::Unreachable { broker, reason });
        }
        let opened = timeout(OPEN_TIMEOUT, self.open()).await;
        let reason = match opened {
            Ok(Ok(connection)) => {
                link.succeeded();
                let channel = confirming(&connection).await?;
                topology::declare(&channel).await?;
                link.hold(&broker, connection);
                return Ok(channel);
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("it did not answer within {OPEN_TIMEOUT:?}"),
        };
        link.failed(&broker, &reason);
        Err(RabbitError::Unreachable { broker, reason })
    }

    async fn open(&self) -> Result<Connection, String> {
        let uri = self.address.uri.0.clone();
        // Each attempt of the client that finds no listener leaves memory behind.
        let host = uri.authority.host.trim_matches(['[', ']']).to_owned();
        drop(TcpStream::connect((host, uri.authority.port)).await.map_err(|error| error.to_string())?);
        let properties = ConnectionProperties::default().with_connection_name("orderflow".into());
        let tls = OwnedTLSConfig { identity: None, cert_chain: self.address.ca_certificates.clone() };
        let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
        let connected = Connection::connect_uri_with_config(uri, properties, tls, runtime).await;
        connected.map_err(|error| error.to_string())
    }

    /// Returns whether the connection is open.
    pub(super) fn is_connected(&self) -> bool {
        // While the connection is being opened, the link is locked.
        self.link.try_lock().is_ok_and(|link| link.connection().is_some())
    }

    /// Declares exchange and queues again, in case they were deleted.
    pub(super) async fn declare_again(&self) -> Result<(), RabbitError> {
        let channel = self.channel().await?;
        let declared = timeout(CONNECT_TIMEOUT, topology::declare(&channel)).await;
        close(&channel).await;
        declared
            .map_err(|_| RabbitError::Broken("the broker did not declare its queues in time".to_owned()))?
    }

    /// Declares exchange, queues and bindings again. Returns the names of the exchange and queues that were missing. A missing binding cannot be
    /// told from an existing one.
    ///
    /// # Errors
    /// As [`RabbitMq::connect`].
    pub async fn reconcile(&self) -> Result<Vec<String>, RabbitError> {
        let missing = timeout(CHECK_TIMEOUT, self.missing()).await;
        let missing = missing
            .map_err(|_| RabbitError::Broken("the broker did not list its queues in time".to_owned()))??;
        self.declare_again().await?;
        Ok(missing)
    }

    async fn missing(&self) -> Result<Vec<String>, RabbitError> {
        let (mut channel, mut missing) = (self.channel().await?, Vec::new());
        for name in topology::names() {
            if !topology::exists(&channel, &name).await? {
                missing.push(name);
                channel = self.channel().await?;
            }
        }
        close(&channel).await;
        Ok(missing)
    }

    /// Returns the messages of a consumer that are in flight in this process.
    pub(super) fn in_flight(&self, consumer: &str) -> InFlight {
        self.in_flight.get(consumer).cloned().unwrap_or_default()
    }

    /// Returns whether the broker answers within two seconds, and has the exchange and every consumer's queue.
    pub async fn is_up(&self) -> bool {
        let answers = async {
            let Ok(channel) = self.channel().await else { return false };
            let carries_events = topology::carries_events(&channel).await;
            close(&channel).await;
            carries_events
        };
        timeout(PING_TIMEOUT, answers).await.unwrap_or(false)
    }

    /// Closes the connection.
    pub async fn close(&self) {
        if let Some(connection) = self.link.lock().await.take() {
            // A connection that fails to close is broken, which ends it as well.
            let _ = timeout(CLOSE_TIMEOUT, connection.close(200, "done".into())).await;
        }
    }
}

async fn confirming(connection: &Connection) -> Result<Channel, RabbitError> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

pub(super) async fn close(channel: &Channel) {
    // A channel that fails to close is broken, which ends it as well.
    let _ = timeout(CLOSE_TIMEOUT, channel.close(200, "done".into())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        let uri: BrokerUri = "amqp://shop:s3cret@broker.example:5673/orders".parse().unwrap();
        let shown = format!("{uri} {uri:?}");
        assert!(shown.contains("broker.example:5673/orders"), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("shop"), "{shown}");
        let uri: BrokerUri = "amqp://127.0.0.1:5672/%2f".parse().unwrap();
        assert_eq!(uri.to_string(), "127.0.0.1:5672");
        for bad in ["http://shop:s3cret@x", "amqp:shop:s3cret", "amqp://shop:s3cret@x:no", "s3cret"] {
            let error = bad.parse::<BrokerUri>().unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
