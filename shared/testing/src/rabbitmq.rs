//! A RabbitMQ node of one test: own data, ports, cookie and name service.

pub mod shared;

mod settings;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::settings::{
    Ports, configure_in, configure_node, directory_entry, isolate, local, quorum_directory, virtual_host,
};
use crate::ports::on_free_addresses;
use crate::process::ServerProcess;
use crate::{Error, Result};

/// Names the server script where it is not in the place of Debian's package.
const SERVER_VARIABLE: &str = "ORDERFLOW_RABBITMQ";

/// Debian's own script: the one in `sbin` switches to another user.
const DEBIAN_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// An idle machine needs 3 s, one that is busy compiling many more.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A node ends within about a second, later when it has much to write.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// The directory of quorum queues is written twice a second.
const DISK_PATIENCE: Duration = Duration::from_secs(30);

/// The name service listens within milliseconds.
const EPMD_PATIENCE: Duration = Duration::from_secs(30);

/// What the broker's frame `connection.start` begins with: a method (1) on channel 0.
const METHOD_ON_CHANNEL_0: [u8; 3] = [1, 0, 0];

/// A private node without plugins, with the default user `guest` and virtual host `/`. It takes about 130 MB.
///
/// Dropping it kills the node, its name service (epmd) and their helpers, and removes the data. When a test panics, the
/// drop shows the warnings and errors that the node logged since its last start.
#[derive(Debug)]
pub struct RabbitMq {
    /// `None` while it is stopped.
    node: Option<ServerProcess>,
    /// The node would start one itself, shared by the whole machine, which nobody ends.
    _epmd: ServerProcess,
    server: PathBuf,
    ports: Ports,
    folder: TempDir,
    /// Virtual hosts beside `/`.
    virtual_hosts: usize,
    /// How many of them are given out.
    given_out: AtomicUsize,
}

impl RabbitMq {
    /// The server script: variable `ORDERFLOW_RABBITMQ`, else that of Debian's package, if it is there.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let script = std::env::var_os(SERVER_VARIABLE).map_or_else(|| DEBIAN_SERVER.into(), PathBuf::from);
        script.is_file().then_some(script)
    }

    /// Starts a node with no data on free ports and waits until it speaks AMQP.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when there is no RabbitMQ; or when it can't be started, or ends or does not answer within
    /// two minutes.
    pub async fn start() -> Result<Self> {
        Self::start_with_virtual_hosts(0).await
    }

    /// Starts a node with that many virtual hosts beside `/`, for [`RabbitMq::fresh_virtual_host`]. Sixty-four of
    /// them make the start a second or two longer.
    ///
    /// # Errors
    /// As [`RabbitMq::start`].
    pub async fn start_with_virtual_hosts(virtual_hosts: usize) -> Result<Self> {
        on_free_addresses(async |addresses| Self::start_on(Ports::from(addresses), virtual_hosts).await).await
    }

    async fn start_on(ports: Ports, virtual_hosts: usize) -> Result<Self> {
        let server = Self::find().ok_or_else(|| Error::NotInstalled { server: "RabbitMQ".to_owned() })?;
        let folder = TempDir::new().map_err(Error::system("could not make a temporary folder"))?;
        configure_in(folder.path(), virtual_hosts)
            .map_err(Error::system("could not write RabbitMQ's configuration"))?;
        let epmd = start_epmd(ports, folder.path()).await?;
        let given_out = AtomicUsize::default();
        let mut broker = Self { node: None, _epmd: epmd, server, ports, folder, virtual_hosts, given_out };
        broker.start_node().await?;
        Ok(broker)
    }

    /// Where it takes connections; the same after a restart.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        local(self.ports.amqp)
    }

    /// The URI for AMQP clients, as `amqp://guest:guest@127.0.0.1:PORT/%2f`.
    #[must_use]
    pub fn uri(&self) -> String {
        self.uri_of("%2f")
    }

    /// The URI of a virtual host that nobody was given before: what happens there concerns nobody else.
    ///
    /// # Errors
    /// [`Error::NoVirtualHostLeft`] when all with which the node was started are given out.
    pub fn fresh_virtual_host(&self) -> Result<String> {
        let number = self.given_out.fetch_add(1, Ordering::Relaxed);
        if number < self.virtual_hosts {
            Ok(self.uri_of(&virtual_host(number)))
        } else {
            Err(Error::NoVirtualHostLeft { started_with: self.virtual_hosts })
        }
    }

    fn uri_of(&self, virtual_host: &str) -> String {
        format!("amqp://guest:guest@{}/{virtual_host}", self.address())
    }

    /// Ends the node as a shutdown of its machine would: connections are closed, data is written. Does nothing when it
    /// is not running.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when it still runs after a minute; it is killed then.
    pub async fn stop(&mut self) -> Result<()> {
        match self.node.take() {
            Some(node) => node.stop(STOP_PATIENCE).await,
            None => Ok(()),
        }
    }

    /// Ends the node at once, as `kill -9` does, and returns when it is gone. Does nothing when it is not running.
    ///
    /// Await [`RabbitMq::queue_is_on_disk`] first for every quorum queue that was just declared.
    pub fn kill(&mut self) {
        if let Some(node) = self.node.take() {
            node.kill();
        }
    }

    /// Starts the node again with the same data and ports and waits until it speaks AMQP. One that still runs is
    /// stopped first.
    ///
    /// # Errors
    /// As [`RabbitMq::start`] and [`RabbitMq::stop`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_node().await
    }

    /// Waits until a kill can no longer break a quorum queue of the virtual host `/`. Returns at once when the node is
    /// not running.
    ///
    /// RabbitMQ writes the directory of quorum queues up to half a second after it has answered a declaration. When it is
    /// killed before, the queue has neither its messages, confirmed ones included, nor ever again a leader: whatever is
    /// asked of it times out.
    ///
    /// # Errors
    /// [`Error::NotReady`] when that does not happen within half a minute, because there is no such queue.
    pub async fn queue_is_on_disk(&mut self, queue: &str) -> Result<()> {
        let directory = quorum_directory(self.folder.path(), self.ports);
        let entry = directory_entry(queue);
        let written = async || {
            let bytes = std::fs::read(&directory).unwrap_or_default();
            bytes.windows(entry.len()).any(|window| window == entry)
        };
        match &mut self.node {
            Some(node) => node.wait_until_ready(DISK_PATIENCE, written).await,
            None => Ok(()),
        }
    }

    /// The warnings and errors that the node logged since its last start; empty while it is stopped.
    #[must_use]
    pub fn output(&self) -> String {
        self.node.as_ref().map(ServerProcess::output).unwrap_or_default()
    }

    async fn start_node(&mut self) -> Result<()> {
        let (ports, folder) = (self.ports, self.folder.path());
        let mut node = ServerProcess::spawn("RabbitMQ", &self.server, |command, _| {
            isolate(command, ports, folder);
            configure_node(command, ports, folder);
        })?;
        let address = self.address();
        node.wait_until_ready(START_PATIENCE, async || speaks_amqp(address).await).await?;
        self.node = Some(node);
        Ok(())
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn start_epmd(ports: Ports, folder: &Path) -> Result<ServerProcess> {
    let mut epmd = ServerProcess::spawn("epmd", Path::new("epmd"), |command, _| {
        // Without it, it does not say that its port is taken.
        command.arg("-d");
        isolate(command, ports, folder);
    })?;
    let listens = async || TcpStream::connect(local(ports.epmd)).await.is_ok();
    epmd.wait_until_ready(EPMD_PATIENCE, listens).await?;
    Ok(epmd)
}

/// The node listens last of all: one that answers is ready.
async fn speaks_amqp(address: SocketAddr) -> bool {
    greet(address).await.is_ok_and(|answer| answer == METHOD_ON_CHANNEL_0)
}

async fn greet(address: SocketAddr) -> io::Result<[u8; 3]> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"AMQP\x00\x00\x09\x01").await?;
    let mut answer = [0; 3];
    connection.read_exact(&mut answer).await?;
    Ok(answer)
}
