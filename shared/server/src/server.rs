//! Accepts connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::activity::Activity;
use crate::connections::Connections;
use crate::process_limit::connections_of_process;
use crate::refusal::Refusals;
use crate::{Deadlines, connection};

/// The pause after an error of `accept`. The process may have no file descriptor left, and the next attempt would fail at once.
const PAUSE: Duration = Duration::from_millis(100);

/// A server of HTTP/1.1.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    deadlines: Deadlines,
    max_connections: usize,
}

impl Server {
    /// Creates a server whose limit of connections follows from the limit of open files. Raises the soft limit of files to the hard one.
    #[must_use]
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines, max_connections: connections_of_process() }
    }

    /// Sets the limit of connections.
    #[must_use]
    pub fn with_max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// Serves until `stop` becomes true, then ends when the open requests are answered.
    pub async fn serve(self, listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
        let connections = Arc::new(Connections::new(self.max_connections));
        let refusals = Refusals::default();
        let (open, closed) = watch::channel(());
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "connections cannot be accepted; this is tried again");
                    }
                    connections.evict_one();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            if std::mem::take(&mut failing) {
                tracing::info!("connections are accepted again");
            }
            // Responses are single writes, which Nagle's algorithm only delays.
            let _ = stream.set_nodelay(true);
            let activity = Arc::new(Activity::new(self.deadlines));
            let Some(place) = connections.enter(&activity) else {
                refusals.answer(stream);
                continue;
            };
            let (router, stop, closed) = (router.clone(), stop.clone(), closed.clone());
            tokio::spawn(async move {
                connection::serve(stream, peer, router, activity, stop).await;
                drop((place, closed));
            });
        }
        drop((listener, closed));
        open.closed().await;
    }
}

/// Returns whether only the accepted connection failed.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
