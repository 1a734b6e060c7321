//! What the commands that serve HTTP share: listening, announcing the address, stopping on a signal.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use orderflow_server::{Deadlines, Server};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The time to answer open requests after a signal to stop.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// Listens on an address.
///
/// # Errors
/// Names the address and what to do.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; use another --port, or --port 0 for a free one")
    })
}

/// Prints the URL on stdout, for the process that started this one. The program serves also if stdout is full, closed or not read.
pub(crate) fn announce(address: SocketAddr) {
    let address = reachable(address);
    print_aside(move || writeln!(io::stdout().lock(), "listening on http://{address}"));
}

/// Returns the address by which this machine reaches a server: a wildcard is no `Host` that it answers to.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Prints on a thread of its own, because an output without a reader blocks its writer.
pub(crate) fn print_aside(print: impl FnOnce() -> io::Result<()> + Send + 'static) {
    let _unstarted = std::thread::Builder::new().name("print".to_owned()).spawn(print);
}

/// Serves until `stop` becomes true, then ends when the open requests are answered.
pub(crate) fn serve(
    listener: TcpListener,
    router: Router,
    deadlines: Deadlines,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(Server::new(deadlines).serve(listener, router, stop))
}

/// The signals to stop: Ctrl-C and SIGTERM. Create it before [`announce`]: a process that reads the announced line may send a signal at
/// once, and an unhandled signal kills the program without an orderly stop.
pub(crate) struct Termination {
    interrupt: Signal,
    terminate: Signal,
}

impl Termination {
    /// Installs the handlers of both signals.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot install a handler for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("cannot install a handler for SIGTERM")?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn signalled(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
