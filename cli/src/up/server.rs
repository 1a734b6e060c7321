//! Serving HTTP until told to stop, and stopping in order.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::system::Running;

/// How long requests that came in may take to be answered once the program is told to stop.
const ANSWERING: Duration = Duration::from_secs(3);

/// Listens on an address.
///
/// # Errors
/// Names the address and what to do about it.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; --port 0 picks a port that is free"))
}

/// Serves until Ctrl-C or SIGTERM. Then requests that came in are answered, batches in hand are settled, and cursors are saved; what
/// is not done after `drain` is left to the next start. A second signal ends at once.
///
/// # Errors
/// Where signals cannot be listened for.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    running: Running,
    drain: Duration,
) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let listener = listener.tap_io(|stream| {
        // Answers are single writes: waiting to fill a segment only delays them.
        let _ = stream.set_nodelay(true);
    });
    let mut requested = stopped.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = requested.wait_for(|stop| *stop).await;
    });
    let mut server = tokio::spawn(server.into_future());
    termination().await?;
    tracing::info!("stopping: what is in hand is finished first");
    stop.send_replace(true);
    let finish = async {
        // A client that sent half a request may never send the rest: the parts that work have to stop in order all the same.
        if tokio::time::timeout(drain.min(ANSWERING), &mut server).await.is_err() {
            server.abort();
        }
        running.stop().await;
    };
    tokio::select! {
        () = finish => tracing::info!("stopped"),
        () = tokio::time::sleep(drain) => tracing::warn!("not everything was finished in time; the next start goes on with it"),
        again = termination() => {
            again?;
            tracing::warn!("stopped at once; the next start goes on with what was in hand");
        }
    }
    Ok(())
}

async fn termination() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
