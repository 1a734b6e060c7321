//! How this process takes part in relaying the events of its store, which other processes may use too.

use orderflow_bridge::{HeldLease, RelayLease, RuntimeTable, StreamPoller, run_unless_suspended};
use orderflow_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Settings;
use super::data::Data;
use super::health::Activity;
use super::parts::OUTBOX_RELAY;
use super::running::while_working;

/// Whether and when the stream pollers of this process work.
pub(crate) enum Relaying {
    /// No other process can relay: the store is in this process.
    Alone,
    /// While this process holds the lease.
    InTurn(RelayLease),
    /// This process holds the lease, and its part ends when another one takes it: only it can deliver what its memory broker has taken over.
    Held(RelayLease, HeldLease),
}

impl Relaying {
    /// Waits for the lease if the broker is in this process, while another process uses the same store in the same way.
    pub(crate) async fn open(settings: &Settings, data: &Data, store: &Store) -> Self {
        if data.is_in_process() || !settings.parts.contains(OUTBOX_RELAY) {
            return Self::Alone;
        }
        let lease = RelayLease::new(RuntimeTable::new(store));
        if settings.broker.is_some() {
            return Self::InTurn(lease);
        }
        let held = lease.acquire_at_start().await;
        Self::Held(lease, held)
    }

    /// Starts the stream pollers.
    pub(crate) fn start(
        self,
        stream_pollers: Vec<StreamPoller>,
        data: &Data,
        relay: &Activity,
        stop: &watch::Receiver<bool>,
    ) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let mut suspended = None;
        match self {
            Self::Alone => {}
            Self::InTurn(lease) => {
                let (suspend, is_suspended) = watch::channel(true);
                tasks.spawn(lease.run(suspend, stop.clone()));
                suspended = Some(is_suspended);
            }
            Self::Held(lease, held) => {
                let working = relay.watch(OUTBOX_RELAY, stop.clone());
                tasks.spawn(while_working(working, hold(lease, held, stop.clone())));
            }
        }
        for mut stream_poller in stream_pollers {
            let (wakeup, stop) = (data.wakeup(stream_poller.table()), stop.clone());
            let working = relay.watch(stream_poller.table(), stop.clone());
            match suspended.clone() {
                None => {
                    let run = async move { stream_poller.run(wakeup, stop).await };
                    tasks.spawn(while_working(working, run));
                }
                Some(suspended) => {
                    let run = run_unless_suspended(stream_poller, wakeup, suspended, stop);
                    tasks.spawn(while_working(working, run));
                }
            }
        }
        tasks
    }
}

/// Holds the lease until it is lost or `stop` becomes true.
async fn hold(lease: RelayLease, held: HeldLease, mut stop: watch::Receiver<bool>) {
    let lost = tokio::select! {
        () = lease.keep_until_taken(held) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    };
    if !lost {
        lease.release().await;
    }
}
