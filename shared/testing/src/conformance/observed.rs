//! Records the responses that reached the broker.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use orderflow_bridge::{Target, TargetError};
use orderflow_messaging::QueueResponse;

use super::scripted::{id, records};

/// A function whose responses are recorded.
pub(super) struct Observed {
    inner: Arc<dyn Target>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    acknowledged: HashSet<String>,
    begun: usize,
    ended: usize,
}

impl Observed {
    pub(super) fn new(inner: Arc<dyn Target>) -> Arc<Self> {
        Arc::new(Self { inner, seen: Mutex::default() })
    }

    /// Returns the messages that were acknowledged to the broker at least once.
    pub(super) fn acknowledged(&self) -> HashSet<String> {
        self.seen().acknowledged.clone()
    }

    /// Returns the number of acknowledged messages.
    pub(super) fn acknowledgements(&self) -> usize {
        self.seen().acknowledged.len()
    }

    /// Returns the number of calls that neither returned nor failed, because their caller ended.
    pub(super) fn cut_off(&self) -> usize {
        let seen = self.seen();
        seen.begun - seen.ended
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Target for Observed {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let records = records(&payload);
        self.seen().begun += 1;
        let answer = self.inner.invoke(payload).await;
        let mut seen = self.seen();
        seen.ended += 1;
        if let Ok(answer) = &answer {
            let response: QueueResponse =
                serde_json::from_slice(answer).expect("functions return a QueueResponse");
            let failed: HashSet<String> =
                response.failures.into_iter().map(|failure| failure.item_identifier).collect();
            let done = records
                .iter()
                .filter(|record| record.message_id.as_ref().is_some_and(|id| !failed.contains(id)));
            seen.acknowledged.extend(done.map(id));
        }
        answer
    }
}
