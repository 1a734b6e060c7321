//! Whether anything is left to do.

use std::sync::Arc;
use std::time::Duration;

use orderflow_bridge::{ConsumerSwitch, StreamPollerStatus, StreamReads};
use orderflow_messaging::{AdminError, QueueAdmin};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long streams elsewhere may take to be read twice. Who waits asks again.
const READ_TWICE: Duration = Duration::from_secs(5);

/// How often it is looked whether they are.
const LOOK: Duration = Duration::from_millis(5);

/// Looks at every place where work can wait: streams, queues, and batches in hand.
pub struct IdleProbe {
    stream_pollers: Vec<(StreamPollerStatus, Option<watch::Receiver<u64>>)>,
    queues: Arc<dyn QueueAdmin>,
    switch: ConsumerSwitch,
}

impl IdleProbe {
    pub(crate) fn new(
        stream_pollers: Vec<(StreamPollerStatus, Option<watch::Receiver<u64>>)>,
        queues: Arc<dyn QueueAdmin>,
        switch: ConsumerSwitch,
    ) -> Self {
        Self { stream_pollers, queues, switch }
    }

    /// Whether nothing is left to do but what waits for consumers that are switched off. Messages on their way between broker and
    /// process are seen by neither: only several looks in a row are certain.
    ///
    /// # Errors
    /// [`AdminError`] where the broker does not answer.
    pub async fn is_idle(&self) -> Result<bool, AdminError> {
        let before = self.reads_elsewhere();
        if !self.have_relayed() || !self.are_queues_empty().await? {
            return Ok(false);
        }
        let nothing_new = self.found_nothing_since(&before).await;
        Ok(nothing_new && self.are_queues_empty().await? && self.have_relayed())
    }

    /// Whether the stream_pollers have dealt with every write of this process that they can know of.
    fn have_relayed(&self) -> bool {
        self.stream_pollers.iter().all(|(status, writes)| {
            status.has_caught_up_with(writes.as_ref().map_or(0, |writes| *writes.borrow()))
        })
    }

    async fn are_queues_empty(&self) -> Result<bool, AdminError> {
        let queues = self.queues.queues().await?;
        let mut running = queues.iter().filter(|queue| !self.switch.is_stopped(&queue.consumer));
        Ok(running.all(|queue| queue.ready + queue.in_flight + queue.delayed == 0))
    }

    /// The reads of streams whose writes nobody here counts.
    fn reads_elsewhere(&self) -> Vec<StreamReads> {
        let elsewhere = self.stream_pollers.iter().filter(|(_, writes)| writes.is_none());
        elsewhere.map(|(status, _)| status.reads()).collect()
    }

    /// Whether those streams are read again from now on and hold nothing new.
    async fn found_nothing_since(&self, before: &[StreamReads]) -> bool {
        let deadline = Instant::now() + READ_TWICE;
        loop {
            let now = self.reads_elsewhere();
            let mut pairs = now.iter().zip(before);
            if pairs.clone().any(|(now, before)| now.fruitful != before.fruitful) {
                return false;
            }
            if pairs.all(|(now, before)| now.empty >= before.empty + 2) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK).await;
        }
    }
}
