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
/// Two signals end it, one behind the other: consumers finish the batch that they have in hand and settle it, then the stream_pollers move
/// the cursors past what was settled. Dropping it instead is as good as killing it: nothing is lost, some work is repeated.
pub struct Running {
    /// Keeps the database open while parts work on it.
    _data: Data,
    broker: Arc<Broker>,
    stop_consumers: watch::Sender<bool>,
    stop_stream_pollers: watch::Sender<bool>,
    consumers: JoinSet<()>,
    stream_pollers: JoinSet<()>,
}

async fn while_working(working: Working, work: impl Future<Output = ()>) {
    work.await;
    drop(working);
}

impl Running {
    pub(crate) fn start(system: System) -> Self {
        let (stop_consumers, consumers_stopped) = watch::channel(false);
        let (stop_stream_pollers, stream_pollers_stopped) = watch::channel(false);
        let (mut consumers, mut stream_pollers) = (JoinSet::new(), JoinSet::new());
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
        for stream_poller in system.stream_pollers {
            let wakeup = system.data.wakeup(stream_poller.table());
            let working = system.liveness.watch(stream_poller.table(), stream_pollers_stopped.clone());
            stream_pollers
                .spawn(while_working(working, stream_poller.run(wakeup, stream_pollers_stopped.clone())));
        }
        // One process is enough to tell, and there is one relay.
        if system.parts.contains(OUTBOX_RELAY) {
            stream_pollers.spawn(gauges::measure(broker.admin(), outbox, stream_pollers_stopped));
        }
        Self { _data: system.data, broker, stop_consumers, stop_stream_pollers, consumers, stream_pollers }
    }

    /// Has the consumers take nothing more; what they have in hand they settle.
    pub fn stop_taking(&self) {
        self.stop_consumers.send_replace(true);
    }

    /// Lets the consumers finish what they have in hand, and saves how far the streams are dealt with.
    pub async fn stop(mut self) {
        self.stop_taking();
        while self.consumers.join_next().await.is_some() {}
        self.stop_stream_pollers.send_replace(true);
        while self.stream_pollers.join_next().await.is_some() {}
        self.broker.close().await;
    }
}
