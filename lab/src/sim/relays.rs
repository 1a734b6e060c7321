//! The processes of relays: the poller of each table's stream.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_bridge::{NothingInFlight, RuntimeTable, StreamPoller, StreamTarget, TargetError};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::crash::unless_crashed;
use super::fault::{FaultKind, Place};
use super::publisher::SimulatedPublisher;
use super::system::System;

/// How long a crashed relay takes to start again, and a failed one waits.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest wait for a write.
const IDLE_MAX: Duration = Duration::from_secs(3_600);

/// The relay function, as the poller of a stream calls it.
struct Target(Relay);

#[async_trait]
impl StreamTarget for Target {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        self.0.handle(batch).await.map_err(|error| TargetError::Failed(error.to_string()))
    }
}

/// Starts a relay, which ends after `lifetime`, if it has one.
pub(super) fn start(system: &System, lifetime: Option<Duration>) {
    for source in EVENT_SOURCES {
        let table = system.store_at(Place::Relay).table_name(source.table);
        let relaying = relay(system.clone(), table);
        match lifetime {
            None => system.world.spawner.spawn(relaying),
            Some(lifetime) => system.world.spawner.spawn(async move {
                // The end of its life is the end of the relay.
                let _ended = timeout(lifetime, relaying).await;
            }),
        }
    }
}

async fn relay(system: System, table: String) {
    let store = system.store_at(Place::Relay);
    let mut writes = store.backend().changes(&table).expect("the store is in this process");
    loop {
        let publisher = Arc::new(SimulatedPublisher::new(system.broker.clone()));
        let dead_letters = Arc::new(RuntimeTable::new(&store).dead_letter_queue());
        let target = Arc::new(Target(Relay::new(&store, EVENT_SOURCES, publisher, dead_letters)));
        let opening =
            StreamPoller::open(RuntimeTable::new(&store), &table, target, Arc::new(NothingInFlight));
        let opened = unless_crashed(&system.world, FaultKind::RelayCrashed, Place::Relay, opening).await;
        if let Some(Ok(mut poller)) = opened {
            relay_until_crash(&system, &mut poller, &mut writes).await;
        }
        system.world.note(Place::Relay, format_args!("starts again for {table}"));
        sleep(PAUSE).await;
    }
}

/// Relays until the relay crashes or is stopped.
async fn relay_until_crash(system: &System, poller: &mut StreamPoller, writes: &mut watch::Receiver<u64>) {
    let table = poller.table().to_owned();
    let mut stopped = system.relays_stopped.subscribe();
    loop {
        if *stopped.borrow_and_update() {
            // A sender is in the system, so this ends with its value.
            let _resumed = stopped.wait_for(|stopped| !*stopped).await;
            return;
        }
        let seen = *writes.borrow_and_update();
        let step = async {
            let relayed = poller.poll_once().await;
            let saved = poller.save_cursor().await;
            (relayed, saved)
        };
        match unless_crashed(&system.world, FaultKind::RelayCrashed, Place::Relay, step).await {
            None => return,
            Some((Ok(0), Ok(()))) => {
                system.relayed_up_to(&table, seen);
                // A write, or its absence for an hour: both are a reason to look again.
                let _written = timeout(IDLE_MAX, writes.changed()).await;
                sleep(system.batching).await;
            }
            Some((Ok(_), Ok(()))) => {}
            Some(_) => sleep(PAUSE).await,
        }
    }
}

/// Returns whether every event of every table is published.
pub(super) fn have_caught_up(system: &System) -> bool {
    let store = system.store_at(Place::System);
    EVENT_SOURCES.iter().all(|source| system.is_relayed(&store.table_name(source.table)))
}
