//! The system at work, and its end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::broker::Broker;
use super::data::Data;
use super::functions::QueueTarget;
use super::liveness::Working;
use super::parts::OUTBOX_RELAY;
use super::{System, gauges};

/// A system whose parts work by themselves.
///
/// Two signals end it, one behind the other: consumers finish the batch that they have in hand and settle it, then the pumps move
/// the cursors past what was settled. Dropping it instead is as good as killing it: nothing is lost, some work is repeated.
pub struct Running {
    /// Keeps the database open while parts work on it.
    _data: Data,
    broker: Arc<Broker>,
    stop_consumers: watch::Sender<bool>,
    stop_pumps: watch::Sender<bool>,
    consumers: JoinSet<()>,
    pumps: JoinSet<()>,
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
        let outbox = system.outbox_backlog();
        let broker = Arc::new(system.broker);
        for (consumer, QueueTarget { target, batches }) in system.targets {
            for _ in 0..batches {
                let working = system.liveness.watch(consumer, consumers_stopped.clone());
                let run = broker.run(consumer, target.clone(), consumers_stopped.clone());
                consumers.spawn(while_working(working, run));
            }
        }
        if let Some(sweeper) = system.sweeper {
            consumers.spawn(sweeper.run(consumers_stopped));
        }
        for pump in system.pumps {
            let wakeup = system.data.wakeup(pump.table());
            let working = system.liveness.watch(pump.table(), pumps_stopped.clone());
            pumps.spawn(while_working(working, pump.run(wakeup, pumps_stopped.clone())));
        }
        // One process is enough to tell, and there is one relay.
        if system.parts.contains(OUTBOX_RELAY) {
            pumps.spawn(gauges::measure(broker.admin(), outbox, pumps_stopped));
        }
        Self { _data: system.data, broker, stop_consumers, stop_pumps, consumers, pumps }
    }

    /// Has the consumers take nothing more; what they have in hand they settle.
    pub fn stop_taking(&self) {
        self.stop_consumers.send_replace(true);
    }

    /// Lets the consumers finish what they have in hand, and saves how far the streams are dealt with.
    pub async fn stop(mut self) {
        self.stop_taking();
        while self.consumers.join_next().await.is_some() {}
        self.stop_pumps.send_replace(true);
        while self.pumps.join_next().await.is_some() {}
        self.broker.close().await;
    }
}
