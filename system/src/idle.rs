//! Detects whether the system has no work left.

use std::sync::Arc;
use std::time::Duration;

use orderflow_bridge::{ConsumerSwitch, StreamPollerStatus, StreamReads};
use orderflow_messaging::{AdminError, QueueAdmin};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// The time limit for reading each stream of a remote store twice. After it the probe answers "not idle", and the caller asks again.
const READ_TWICE: Duration = Duration::from_secs(5);

/// How often the read counters are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Checks every place where work can wait: streams, queues, and batches in flight.
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

    /// Returns whether no work is left, except messages for stopped consumers. A message in transit between broker and process is visible to
    /// neither, so a caller has to see several positive results in a row.
    ///
    /// # Errors
    /// [`AdminError`] if the broker does not answer.
    pub async fn is_idle(&self) -> Result<bool, AdminError> {
        let before = self.reads_elsewhere();
        if !self.have_relayed() || !self.are_queues_empty().await? {
            return Ok(false);
        }
        let nothing_new = self.found_nothing_since(&before).await;
        Ok(nothing_new && self.are_queues_empty().await? && self.have_relayed())
    }

    /// Returns whether the stream pollers have read and published every write that this process counts.
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

    /// Returns the read counters of the streams of a remote store, whose writes this process cannot count.
    fn reads_elsewhere(&self) -> Vec<StreamReads> {
        let elsewhere = self.stream_pollers.iter().filter(|(_, writes)| writes.is_none());
        elsewhere.map(|(status, _)| status.reads()).collect()
    }

    /// Waits until each of those streams has been read twice more, and returns whether the reads found nothing new.
    async fn found_nothing_since(&self, before: &[StreamReads]) -> bool {
        let deadline = Instant::now() + READ_TWICE;
        loop {
            let now = self.reads_elsewhere();
            let mut pairs = now.iter().zip(before);
            if pairs.clone().any(|(now, before)| now.non_empty != before.non_empty) {
                return false;
            }
            if pairs.all(|(now, before)| now.empty >= before.empty + 2) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(CHECK_INTERVAL).await;
        }
    }
}
