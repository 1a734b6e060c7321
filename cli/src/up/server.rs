//! Serving HTTP until told to stop, and stopping in order.

use anyhow::bail;
use orderflow_system::System;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::ServeArgs;
use crate::serving::{self, ANSWERING, Termination};

/// Serves until Ctrl-C or SIGTERM. Then requests that came in are answered, batches in hand are settled, and cursors are saved; what
/// is not done after the drain time is left to the next start. A second signal ends at once.
///
/// # Errors
/// Where the server ends by itself.
pub(crate) async fn serve(
    listener: TcpListener,
    system: System,
    args: &ServeArgs,
    mut termination: Termination,
) -> anyhow::Result<()> {
    let router = if args.host.is_loopback() { system.local_router() } else { system.router() };
    let (running, drain) = (system.start(), args.drain());
    let (stop, stopped) = watch::channel(false);
    let mut server = serving::serve(listener, router, stopped);
    tokio::select! {
        () = termination.told() => {}
        ended = &mut server => bail!("the server ended by itself: {ended:?}"),
    }
    tracing::info!("stopping: what is in hand is finished first");
    stop.send_replace(true);
    running.stop_taking();
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
        () = termination.told() => {
            tracing::warn!("stopped at once; the next start goes on with what was in hand");
        }
    }
    Ok(())
}
