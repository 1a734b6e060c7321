//! What every command that serves HTTP has in common: where it listens, and how it ends.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long requests that came in may take to be answered once the program is told to stop.
pub(crate) const ANSWERING: Duration = Duration::from_secs(3);

/// Refuses an address that others can reach.
///
/// # Errors
/// Names the address and what to do about it.
pub(crate) fn require_loopback(host: IpAddr) -> anyhow::Result<()> {
    if !host.is_loopback() {
        bail!(
            "--host {host} can be reached by others, and nobody has to sign in; --insecure listens there all the same"
        );
    }
    Ok(())
}

/// Listens on an address.
///
/// # Errors
/// Names the address and what to do about it.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; --port 0 picks a port that is free"))
}

/// Says on stdout where the program listens, for whoever started it. Gives the URL.
///
/// # Errors
/// Where stdout cannot be written to.
pub(crate) fn announce(address: SocketAddr) -> anyhow::Result<String> {
    let url = format!("http://{address}");
    writeln!(io::stdout().lock(), "listening on {url}")?;
    Ok(url)
}

/// Serves until told to stop; ends when the requests that came in are answered.
pub(crate) fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<io::Result<()>> {
    let listener = listener.tap_io(|stream| {
        // Answers are single writes: waiting to fill a segment only delays them.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stop.wait_for(|stop| *stop).await;
    });
    tokio::spawn(server.into_future())
}

/// Being told to stop, by Ctrl-C or SIGTERM. To be made before [`announce`]: whoever reads that line may send a signal at once, and one
/// that nobody listens for ends the program without any order.
pub(crate) struct Termination {
    interrupt: Signal,
    terminate: Signal,
}

impl Termination {
    /// Listens for the signals from now on.
    ///
    /// # Errors
    /// Where they cannot be listened for.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        })
    }

    /// Returns when the program is told to stop, each time it is.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
