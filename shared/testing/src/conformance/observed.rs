//! What a broker was answered, whatever happened on the way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use orderflow_bridge::{Target, TargetError};
use orderflow_messaging::QueueResponse;

use super::scripted::{id, records};

/// A function whose answers are remembered.
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

    /// The messages of which the broker was told at least once that they are done.
    pub(super) fn acknowledged(&self) -> HashSet<String> {
        self.seen().acknowledged.clone()
    }

    /// How many those are.
    pub(super) fn acknowledgements(&self) -> usize {
        self.seen().acknowledged.len()
    }

    /// Calls that were neither answered nor failed, because whoever waited for them went away.
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
            let response: QueueResponse = serde_json::from_slice(answer).expect("functions answer that");
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
