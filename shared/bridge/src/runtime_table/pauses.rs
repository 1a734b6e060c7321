//! The consumers that an operator paused.

use orderflow_domain::Timestamp;
use orderflow_store::{StoreError, Write};
use serde::{Deserialize, Serialize};

use super::{RuntimeTable, unconditional};

/// The hash key of the pauses. The range key is the consumer's name.
const PAUSES: &str = "pause";

/// A consumer that an operator paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pk: String,
    /// The consumer.
    #[serde(rename = "sk")]
    pub consumer: String,
    /// Since when.
    pub since: Timestamp,
}

impl RuntimeTable {
    /// Returns the paused consumers.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.table.get_collection(PAUSES).await
    }

    /// Stores that a consumer is paused from now on. A consumer that is paused already stays so since then.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn pause(&self, consumer: &str) -> Result<(), StoreError> {
        let (pk, consumer) = (PAUSES.to_owned(), consumer.to_owned());
        let pause = Pause { pk, consumer, since: Timestamp::now() };
        match self.store.write(Write::put(&self.table, &pause)?.if_absent()).await {
            Ok(()) | Err(orderflow_store::WriteError::ConditionFailed(_)) => Ok(()),
            Err(orderflow_store::WriteError::Store(error)) => Err(error),
        }
    }

    /// Stores that a consumer is no longer paused.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn resume(&self, consumer: &str) -> Result<(), StoreError> {
        let delete = Write::delete(&self.table, self.table.key_with_range(PAUSES, consumer));
        self.store.write(delete).await.map_err(unconditional)
    }
}
