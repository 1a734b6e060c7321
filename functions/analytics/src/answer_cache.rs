//! Answers that many ask for at once.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use orderflow_store::StoreError;
use tokio::sync::OnceCell;

/// How long an answer is given again.
const LIFETIME: Duration = Duration::from_secs(1);

/// Gives an answer again for a second. Whoever asks for one that is being read waits for it; one that could not be read is read anew.
#[derive(Clone)]
pub(crate) struct AnswerCache<K, V> {
    answers: Cache<K, Arc<OnceCell<V>>>,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> AnswerCache<K, V> {
    pub(crate) fn new(capacity: u64) -> Self {
        Self { answers: Cache::builder().max_capacity(capacity).time_to_live(LIFETIME).build() }
    }

    /// The answer of the last second, or what is read now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn get_or_read(
        &self,
        question: K,
        read: impl Future<Output = Result<V, StoreError>>,
    ) -> Result<V, StoreError> {
        let answer = self.answers.get_with(question, Arc::default);
        answer.get_or_try_init(|| read).await.cloned()
    }
}
