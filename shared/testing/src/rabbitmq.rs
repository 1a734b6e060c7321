//! A RabbitMQ node of one test, with its own data, ports, cookie and name service.

pub mod shared;

mod settings;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::settings::{
    Ports, configure_in, configure_node, directory_entry, isolate, local, node_name, quorum_directory,
    virtual_host,
};
use crate::ports::on_free_addresses;
use crate::process::ServerProcess;
use crate::{Error, Result};

/// Names the server script if it is not where Debian's package installs it.
const SERVER_VARIABLE: &str = "ORDERFLOW_RABBITMQ";

/// Debian's script that starts the server as the calling user; the one in `sbin` switches to another user.
const DEBIAN_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The node starts in 3 s on an idle machine, and takes many more on one that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// The node ends within about a second, or later if it has much to write.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// The node writes the directory of quorum queues twice a second.
const DISK_PATIENCE: Duration = Duration::from_secs(30);

/// The name service listens within milliseconds.
const EPMD_PATIENCE: Duration = Duration::from_secs(30);

/// The beginning of the broker's frame `connection.start`: a method (1) on channel 0.
const METHOD_ON_CHANNEL_0: [u8; 3] = [1, 0, 0];

/// A private node without plugins, with the default user `guest` and virtual host `/`. It takes about 130 MB.
///
/// Dropping it kills the node, its name service (epmd) and their helpers, and removes the data. When a test panics, the drop
/// prints the warnings and errors that the node logged since its last start.
#[derive(Debug)]
pub struct RabbitMq {
    /// `None` while it is stopped.
    node: Option<ServerProcess>,
    /// The node's own name service. Without it the node would start one that the whole machine shares and that never ends.
    _epmd: ServerProcess,
    server: PathBuf,
    ports: Ports,
    folder: TempDir,
    /// Virtual hosts beside `/`.
    virtual_hosts: usize,
    /// The number of virtual hosts in use.
    given_out: AtomicUsize,
}

impl RabbitMq {
    /// Returns the server script: that in the variable `ORDERFLOW_RABBITMQ`, else that of Debian's package, if it exists.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let script = std::env::var_os(SERVER_VARIABLE).map_or_else(|| DEBIAN_SERVER.into(), PathBuf::from);
        script.is_file().then_some(script)
    }

    /// Starts an empty node on free ports and waits until it accepts AMQP connections.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] if RabbitMQ is not installed; or the node cannot be started, ends, or does not respond within two
    /// minutes.
    pub async fn start() -> Result<Self> {
        Self::start_with_virtual_hosts(0).await
    }

    /// Starts a node with further virtual hosts besides `/`, for [`RabbitMq::fresh_virtual_host`]. Sixty-four of them add a second
    /// or two to the start.
    ///
    /// # Errors
    /// As [`RabbitMq::start`].
    pub async fn start_with_virtual_hosts(virtual_hosts: usize) -> Result<Self> {
        on_free_addresses(async |addresses| Self::start_on(Ports::from(addresses), virtual_hosts).await).await
    }

    async fn start_on(ports: Ports, virtual_hosts: usize) -> Result<Self> {
        let server = Self::find().ok_or_else(|| Error::NotInstalled { server: "RabbitMQ".to_owned() })?;
        let folder = TempDir::new().map_err(Error::system("create a temporary folder"))?;
        configure_in(folder.path(), virtual_hosts)
            .map_err(Error::system("write RabbitMQ's configuration"))?;
        let epmd = start_epmd(ports, folder.path()).await?;
        let given_out = AtomicUsize::default();
        let mut broker = Self { node: None, _epmd: epmd, server, ports, folder, virtual_hosts, given_out };
        broker.start_node().await?;
        Ok(broker)
    }

    /// Returns the address of the node, which a restart keeps.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        local(self.ports.amqp)
    }

    /// Returns the URI for AMQP clients, `amqp://guest:guest@127.0.0.1:PORT/%2f`.
    #[must_use]
    pub fn uri(&self) -> String {
        self.uri_of("%2f")
    }

    /// Returns the URI of an unused virtual host, so that tests do not affect each other.
    ///
    /// # Errors
    /// [`Error::NoVirtualHostLeft`] if all virtual hosts of the node are in use.
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

    /// Stops the node as a shutdown of its machine would: it closes connections and writes its data. Does nothing if the node is not
    /// running.
    ///
    /// # Errors
    /// [`Error::NotStopped`] if the node still runs after a minute; it is killed.
    pub async fn stop(&mut self) -> Result<()> {
        match self.node.take() {
            Some(node) => node.stop(STOP_PATIENCE).await,
            None => Ok(()),
        }
    }

    /// Kills the node, like `kill -9`, and waits for its end. Does nothing if the node is not running.
    ///
    /// Await [`RabbitMq::queue_is_on_disk`] first for every quorum queue that was just declared.
    pub fn kill(&mut self) {
        if let Some(node) = self.node.take() {
            node.kill();
        }
    }

    /// Starts the node again with the same data and ports and waits until it accepts AMQP connections. Stops it first if it is
    /// running.
    ///
    /// # Errors
    /// As [`RabbitMq::start`] and [`RabbitMq::stop`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_node().await
    }

    /// Waits until a quorum queue of the virtual host `/` survives a kill. Returns at once if the node is not running.
    ///
    /// RabbitMQ writes the directory of quorum queues up to half a second after it has confirmed a declaration. If it is killed
    /// before, the queue loses its messages, confirmed ones included, and never gets a leader again: every operation on it times
    /// out.
    ///
    /// # Errors
    /// [`Error::NotReady`] if the queue is not on disk within half a minute, because it does not exist.
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

    /// Returns the folder of the node's data and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `rabbitmqctl` with these arguments for the node.
    ///
    /// # Errors
    /// [`Error::Exited`] with the output of the command, if it fails.
    pub fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.server.with_file_name("rabbitmqctl"));
        isolate(&mut command, self.ports, self.folder.path());
        let run = command.args(["--quiet", "--node", &node_name(self.ports)]).args(arguments).output();
        let run = run.map_err(Error::system("run rabbitmqctl"))?;
        if run.status.success() {
            return Ok(());
        }
        let output = [run.stdout, run.stderr].concat();
        let output = String::from_utf8_lossy(&output).into_owned();
        Err(Error::Exited { server: "rabbitmqctl".to_owned(), status: run.status, output })
    }

    /// Returns the warnings and errors that the node logged since its last start; empty while it is stopped.
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
        // Without this flag it does not report that its port is taken.
        command.arg("-d");
        isolate(command, ports, folder);
    })?;
    let listens = async || TcpStream::connect(local(ports.epmd)).await.is_ok();
    epmd.wait_until_ready(EPMD_PATIENCE, listens).await?;
    Ok(epmd)
}

/// Returns whether the node responds. It listens as the last step of its start, so that a node that responds is ready.
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
