//! A running system and its orderly stop.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::broker::Broker;
use super::data::Data;
use super::functions::QueueTarget;
use super::health::Working;
use super::parts::{OUTBOX_RELAY, Parts};
use super::tables::TableKeeper;
use super::{System, backlog};

/// A running system: each part works in tasks of its own.
///
/// It stops in two steps: first the consumers finish and acknowledge their batches in flight, then the stream pollers move the cursors past
/// the events that were published. Dropping it has the effect of killing the process: nothing is lost, and some work is repeated.
pub struct Running {
    /// Keeps the database open while parts work on it.
    _data: Data,
    broker: Arc<Broker>,
    stop_consumers: watch::Sender<bool>,
    stop_stream_pollers: watch::Sender<bool>,
    consumers: JoinSet<()>,
    stream_pollers: JoinSet<()>,
}

pub(crate) async fn while_working(working: Working, work: impl Future<Output = ()>) {
    work.await;
    drop(working);
}

impl Running {
    pub(crate) fn start(system: System) -> Self {
        let (stop_consumers, consumers_stopped) = watch::channel(false);
        let (stop_stream_pollers, stream_pollers_stopped) = watch::channel(false);
        let mut consumers = JoinSet::new();
        let outbox = system.outbox_backlog();
        let broker = Arc::new(system.broker);
        for (consumer, QueueTarget { target, batches }) in system.targets {
            for _ in 0..batches {
                let working = system.activities.of(consumer).watch(consumer, consumers_stopped.clone());
                let run = broker.run(consumer, target.clone(), consumers_stopped.clone());
                consumers.spawn(while_working(working, run));
            }
        }
        if let Some(sweeper) = system.sweeper {
            consumers.spawn(sweeper.run(consumers_stopped));
        }
        let mut stream_pollers = system.relaying.start(
            system.stream_pollers,
            &system.data,
            &system.activities.of(OUTBOX_RELAY),
            &stream_pollers_stopped,
        );
        if !system.data.is_in_process() {
            let adds_demo = system.parts == Parts::all();
            let demo = adds_demo.then(|| (system.catalog.clone(), system.charge_rules));
            let keeper = TableKeeper::new(system.store.clone(), system.currency.clone(), demo);
            stream_pollers.spawn(keeper.run(stream_pollers_stopped.clone()));
        }
        stream_pollers.spawn(system.pauses.follow(stream_pollers_stopped.clone()));
        // Only one process sets these gauges: the one with the relay.
        if system.parts.contains(OUTBOX_RELAY) {
            stream_pollers.spawn(backlog::set_gauges(broker.admin(), outbox, stream_pollers_stopped));
        }
        Self { _data: system.data, broker, stop_consumers, stop_stream_pollers, consumers, stream_pollers }
    }

    /// Makes the consumers take no more messages; they finish their batches in flight.
    pub fn stop_consuming(&self) {
        self.stop_consumers.send_replace(true);
    }

    /// Waits until the consumers have finished their batches in flight, then saves the cursors of the streams.
    pub async fn stop(mut self) {
        self.stop_consuming();
        while self.consumers.join_next().await.is_some() {}
        self.stop_stream_pollers.send_replace(true);
        while self.stream_pollers.join_next().await.is_some() {}
        self.broker.close().await;
    }
}
