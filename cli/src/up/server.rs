//! Serves HTTP until a signal, then stops the system in order.

use anyhow::bail;
use orderflow_http::with_fallbacks;
use orderflow_server::{Deadlines, with_deadlines_and_limit};
use orderflow_system::System;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::ServeSettings;
use crate::serving::{self, ANSWER_TIMEOUT, Termination};

/// Serves until Ctrl-C or SIGTERM. Then it answers open requests, lets the consumers finish their batches in flight, and saves the cursors.
/// Work that is not finished after the drain time is repeated at the next start. A second signal ends the program at once.
///
/// # Errors
/// If the HTTP server ends unexpectedly.
pub(crate) async fn serve(
    listener: TcpListener,
    system: System,
    settings: &ServeSettings,
    mut termination: Termination,
) -> anyhow::Result<()> {
    let access = settings.access.clone();
    // Requests that arrive before its end wait for it, if they have a token.
    tokio::spawn(async move { access.prepare().await });
    let routes = if settings.host.is_loopback() { system.local_routes() } else { system.routes() };
    let routes = settings.rate_limits.guard(settings.access.guard(routes));
    let routes = with_deadlines_and_limit(routes, Deadlines::default(), settings.max_in_flight);
    let router = with_fallbacks(routes);
    let (running, drain) = (system.start(), settings.drain);
    let (stop, stopped) = watch::channel(false);
    let mut server =
        serving::serve(listener, settings.guard.clone().protect(router), Deadlines::default(), stopped);
    tokio::select! {
        () = termination.signalled() => {}
        ended = &mut server => bail!("the HTTP server ended unexpectedly: {ended:?}"),
    }
    tracing::info!("stopping after batches in flight are finished");
    stop.send_replace(true);
    running.stop_consuming();
    let finish = async {
        // A client may never send the rest of a request, or read `GET /live`; the parts have to stop in order nevertheless.
        if tokio::time::timeout(drain.min(ANSWER_TIMEOUT), &mut server).await.is_err() {
            server.abort();
        }
        running.stop().await;
    };
    tokio::select! {
        () = finish => tracing::info!("stopped"),
        () = tokio::time::sleep(drain) => tracing::warn!("drain time is over; unfinished work is repeated at the next start"),
        () = termination.signalled() => {
            tracing::warn!("stopped at once by a second signal; work in flight is repeated at the next start");
        }
    }
    Ok(())
}
