//! The system at work, and its end.

use orderflow_embedded::Embedded;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::System;
use super::liveness::Working;

/// A system whose parts work by themselves.
///
/// Two signals end it, one behind the other: consumers finish the batch that they have in hand and settle it, then the pumps move
/// the cursors past what was settled. Dropping it instead is as good as killing it: nothing is lost, some work is repeated.
pub struct Running {
    /// Keeps the database open while parts work on it.
    _embedded: Embedded,
    stop_consumers: watch::Sender<bool>,
    stop_pumps: watch::Sender<bool>,
    consumers: JoinSet<()>,
    pumps: JoinSet<()>,
}

/// Batches that one consumer works on at a time. One is right for those that are done as fast as the store writes: more would only
/// compete for it. Those that wait for somebody else's service work on several.
fn batches_at_a_time(consumer: &str) -> usize {
    match consumer {
        "payment" | "notification" => 4,
        _ => 1,
    }
}

async fn while_working(working: Working, work: impl Future<Output = ()>) {
    work.await;
    drop(working);
}

impl Running {
    pub(super) fn start(system: System) -> Self {
        let (stop_consumers, consumers_stopped) = watch::channel(false);
        let (stop_pumps, pumps_stopped) = watch::channel(false);
        let (mut consumers, mut pumps) = (JoinSet::new(), JoinSet::new());
        for (consumer, target) in system.targets {
            for _ in 0..batches_at_a_time(consumer) {
                let working = system.liveness.watch(consumer, consumers_stopped.clone());
                let run = system.broker.clone().run(consumer, target.clone(), consumers_stopped.clone());
                consumers.spawn(while_working(working, run));
            }
        }
        for pump in system.pumps {
            let writes = system.embedded.changes(pump.table());
            let working = system.liveness.watch(pump.table(), pumps_stopped.clone());
            pumps.spawn(while_working(working, pump.run(writes, pumps_stopped.clone())));
        }
        Self { _embedded: system.embedded, stop_consumers, stop_pumps, consumers, pumps }
    }

    /// Lets the consumers finish what they have in hand, and saves how far the streams are dealt with.
    pub async fn stop(mut self) {
        self.stop_consumers.send_replace(true);
        while self.consumers.join_next().await.is_some() {}
        self.stop_pumps.send_replace(true);
        while self.pumps.join_next().await.is_some() {}
    }
}
