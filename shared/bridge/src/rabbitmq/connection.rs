//! The connection to the broker, which is opened again after it breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lapin::options::ConfirmSelectOptions;
use lapin::tcp::OwnedTLSConfig;
use lapin::{Channel, Connection, ConnectionProperties};
use orderflow_backoff::{Outage, OutageObserver};
use orderflow_messaging::SUBSCRIPTIONS;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};
use tokio::time::{Instant, timeout};

use super::address::BrokerAddress;
use super::closing::{CLOSE_TIMEOUT, close};
use super::in_flight::InFlight;
use super::link::{BrokerState, Existed, Link};
use super::rights::Rights;
use super::topology::Queues;
use super::{RabbitError, topology};

/// The time that connecting, opening a channel and declaring may take together. Without it, a peer that never answers would block forever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time that opening a connection may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);

/// The time that the broker may take to say which queues exist. Each missing one costs a channel.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for which a repair waits for publishers.
const PUBLISHER_TIMEOUT: Duration = Duration::from_secs(1);

/// The time that the broker may take to answer a health check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to a broker that is opened when it is needed, and again after it breaks.
///
/// A broker that is short of memory or disk blocks every connection that publishes, including its consumers. The relay therefore publishes
/// over a connection of its own, so that consumers can still acknowledge messages.
pub struct RabbitMq {
    address: BrokerAddress,
    link: Mutex<Link>,
    in_flight: BTreeMap<&'static str, InFlight>,
    /// The times in which the queue of a consumer cannot be consumed.
    interruptions: BTreeMap<&'static str, Outage>,
    state: Arc<BrokerState>,
    rights: Rights,
    /// Held while missing things are looked for and declared, so that each is reported once.
    repairing: Arc<Mutex<Repairs>>,
    /// Held by publishers, and alone while missing things are declared: an exchange that does not have all its bindings yet drops events.
    complete: Arc<RwLock<()>>,
}

/// What is known about repairs.
#[derive(Default)]
struct Repairs {
    /// What was found missing and is not reported yet.
    missing: BTreeSet<String>,
    /// When the last one began that was not cut off, and how it ended.
    last: Option<(Instant, Result<(), RabbitError>)>,
}

impl RabbitMq {
    /// Returns a connection that is opened at its first use.
    pub fn new(address: BrokerAddress) -> Arc<Self> {
        let in_flight = SUBSCRIPTIONS.iter().map(|row| (row.consumer, InFlight::default())).collect();
        let interruptions = SUBSCRIPTIONS.iter().map(|row| (row.consumer, Outage::default())).collect();
        let state = Arc::default();
        Arc::new(Self {
            address,
            link: Mutex::new(Link::sharing(&state)),
            in_flight,
            interruptions,
            state,
            rights: Rights::default(),
            repairing: Arc::default(),
            complete: Arc::default(),
        })
    }

    /// Returns a second connection to the same broker, opened at its first use. Both know the messages that the other's consumers have in
    /// flight.
    pub fn beside(&self) -> Arc<Self> {
        Arc::new(Self {
            address: self.address.clone(),
            link: Mutex::new(Link::sharing(&self.state)),
            in_flight: self.in_flight.clone(),
            interruptions: self.interruptions.clone(),
            state: self.state.clone(),
            rights: self.rights.clone(),
            repairing: self.repairing.clone(),
            complete: self.complete.clone(),
        })
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
        if let Some(error) = link.pause() {
            return Err(error);
        }
        let opened = timeout(OPEN_TIMEOUT, self.open()).await;
        let reason = match opened {
            Ok(Ok(connection)) => {
                match self.declare(&connection, link.was_lost()).await {
                    Ok(_) => {}
                    // Each attempt asks the broker for every permission.
                    Err(error @ RabbitError::Forbidden { .. }) => return Err(link.failed(error)),
                    Err(error) => return Err(error),
                }
                link.succeeded();
                let channel = confirming(&connection).await?;
                link.hold(&broker, connection);
                return Ok(channel);
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("it did not answer within {OPEN_TIMEOUT:?}"),
        };
        Err(link.failed(RabbitError::Unreachable { broker, reason }))
    }

    /// Opens a connection of its own, and returns why if it cannot.
    pub(super) async fn open(&self) -> Result<Connection, String> {
        let uri = self.address.uri.to_amqp();
        // Each attempt of the client that finds no listener leaves memory behind.
        let host = uri.authority.host.trim_matches(['[', ']']).to_owned();
        drop(TcpStream::connect((host, uri.authority.port)).await.map_err(|error| error.to_string())?);
        let properties = ConnectionProperties::default().with_connection_name("orderflow".into());
        let tls = OwnedTLSConfig { identity: None, cert_chain: self.address.ca_certificates.clone() };
        let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
        let connected = Connection::connect_uri_with_config(uri, properties, tls, runtime).await;
        connected.map_err(|error| error.to_string())
    }

    /// Returns what is known about the permissions of the account.
    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Returns whether the connection is open.
    pub(super) fn is_connected(&self) -> bool {
        // While the connection is being opened, the link is locked.
        self.link.try_lock().is_ok_and(|link| link.connection().is_some())
    }

    /// Declares what is missing. Logs what it was if it has existed before.
    async fn declare(&self, connection: &Connection, existed: Existed) -> Result<Vec<String>, RabbitError> {
        let asked = Instant::now();
        // A repair that is cut off after the broker has declared something leaves it to the next one to say what was missing.
        let mut repairs = self.repairing.lock().await;
        // Each task that notices a loss asks for a repair. One that began after the loss was noticed is also that of the tasks that waited.
        if let Some((_, ended)) = repairs.last.as_ref().filter(|(began, _)| *began >= asked) {
            return ended.clone().map(|()| Vec::new());
        }
        let began = Instant::now();
        let mut repaired = self.repair(connection, existed, &mut repairs.missing).await;
        // A queue that vanished since the look was not declared.
        if let Err(RabbitError::Missing { .. }) = repaired {
            repaired = self.repair(connection, existed, &mut repairs.missing).await;
        }
        repairs.last = Some((began, repaired.clone()));
        repaired?;
        let missing: Vec<String> = std::mem::take(&mut repairs.missing).into_iter().collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            tracing::warn!(missing, "exchange or queues were missing on the broker and are declared again");
        }
        Ok(missing)
    }

    /// Declares exchange, queues and bindings, and adds the names of those to `missing` that existed before and do not exist now.
    async fn repair(
        &self,
        connection: &Connection,
        existed: Existed,
        missing: &mut BTreeSet<String>,
    ) -> Result<(), RabbitError> {
        if existed == Existed::Before {
            missing.extend(topology::missing(connection).await?);
        }
        let is_complete = existed == Existed::Before && missing.is_empty();
        let _alone = match is_complete {
            true => None,
            // A publisher whose confirms do not come must not delay the repair.
            false => timeout(PUBLISHER_TIMEOUT, self.complete.write()).await.ok(),
        };
        let queues = match existed {
            Existed::Before => Queues::Missing(missing),
            Existed::Unknown => Queues::All,
        };
        self.rights.declare(connection, queues).await
    }

    /// Waits while this process declares missing things. None are declared while the result is held.
    pub(super) async fn complete(&self) -> RwLockReadGuard<'_, ()> {
        self.complete.read().await
    }

    /// Declares exchange and queues again, in case they were deleted.
    pub(super) async fn declare_again(&self) -> Result<(), RabbitError> {
        self.reconcile().await.map(drop)
    }

    /// Declares exchange, queues and bindings again, unless that was begun and done since the call. Logs and returns the names of the exchange and
    /// queues that were missing. A missing binding cannot be told from an existing one.
    ///
    /// # Errors
    /// As [`RabbitMq::connect`].
    pub async fn reconcile(&self) -> Result<Vec<String>, RabbitError> {
        let connection = self.connection().await?;
        let declared = timeout(CHECK_TIMEOUT, self.declare(&connection, Existed::Before)).await;
        declared
            .map_err(|_| RabbitError::Broken("the broker did not declare its queues in time".to_owned()))?
    }

    /// Returns the connection, opened if it is not.
    async fn connection(&self) -> Result<Arc<Connection>, RabbitError> {
        close(&self.channel().await?).await;
        let link = self.link.lock().await;
        let connection = link.connection().cloned();
        connection.ok_or_else(|| RabbitError::Broken("the connection was closed".to_owned()))
    }

    /// Returns the messages of a consumer that are in flight in this process.
    pub(super) fn in_flight(&self, consumer: &str) -> InFlight {
        self.in_flight.get(consumer).cloned().unwrap_or_default()
    }

    /// Returns what reports that the queue of a consumer cannot be consumed, together with the other tasks that consume it.
    pub(super) fn interruption(&self, consumer: &str) -> OutageObserver {
        self.interruptions.get(consumer).cloned().unwrap_or_default().observer()
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
