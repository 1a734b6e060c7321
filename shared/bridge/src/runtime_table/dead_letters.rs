//! Dead letters, as operators handle them: replay, correct, purge.

use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::AttemptHistory;
use orderflow_store::{Cancellation, Item, StoreError, TransactError, Value, Write, WriteError};

use super::{DeadLetterRow, Delayed, RUNTIME, RuntimeTable, dead_pk, unconditional};

impl RuntimeTable {
    /// Replaces a dead letter with a delayed message that is due now and has no attempts, in one transaction. Returns `None` if the dead
    /// letter is gone or its body has changed.
    ///
    /// The delayed message gets a key of its own, so that it does not collide with another delayed message of the same id.
    pub(crate) async fn revive(
        &self,
        consumer: &str,
        letter: &DeadLetterRow,
    ) -> Result<Option<Delayed>, StoreError> {
        let now = Timestamp::now();
        let key = format!("{}#{}", letter.id(), orderflow_domain::ordered_id());
        let history = AttemptHistory { attempts: 0, first_at: now };
        let row = Delayed::new(consumer, &key, &letter.body, history, (now, Duration::ZERO), "replayed");
        let remove = Write::delete(&self.table, self.dead_key(consumer, letter.id()));
        let remove = remove.if_equals("body", Value::S(letter.body.clone()));
        match self.store.transact(vec![remove, self.write_delayed(&row)?]).await {
            Ok(()) => Ok(Some(row)),
            Err(TransactError::Cancelled(reasons)) => gone(reasons).map(|()| None),
            Err(TransactError::Store(error)) => Err(error),
        }
    }

    /// Replaces the body of a dead letter. Returns `false` if the consumer has no dead letter with this id.
    pub(crate) async fn replace_body(
        &self,
        consumer: &str,
        id: &str,
        body: &str,
    ) -> Result<bool, StoreError> {
        let write = Write::update(&self.table, self.dead_key(consumer, id));
        let write = write.set("body", Value::S(body.to_owned())).if_present();
        match self.store.write(write).await {
            Ok(()) => Ok(true),
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(unconditional(error)),
        }
    }

    /// Deletes dead letters and returns an outcome for each.
    pub(crate) async fn purge(
        &self,
        consumer: &str,
        letters: &[DeadLetterRow],
    ) -> Vec<Result<(), StoreError>> {
        let delete =
            |letter: &DeadLetterRow| Write::delete(&self.table, self.dead_key(consumer, letter.id()));
        self.write_each(letters.iter().map(delete).collect()).await
    }

    /// Returns the next dead letters of a consumer after an id, in the order of their ids. If more may follow, also returns the id after which they
    /// do.
    pub(crate) async fn dead_letter_page(
        &self,
        consumer: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<DeadLetterRow>, Option<String>), StoreError> {
        self.table.get_page(&dead_pk(consumer), after, limit).await
    }

    /// Returns a dead letter.
    pub(crate) async fn dead_letter(
        &self,
        consumer: &str,
        id: &str,
    ) -> Result<Option<DeadLetterRow>, StoreError> {
        self.table.get(self.dead_key(consumer, id)).await
    }

    /// Returns the code of each dead letter of a consumer, of at most `limit`.
    pub(crate) async fn dead_letter_codes(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.table.get_texts(&dead_pk(consumer), "code", limit).await
    }

    fn dead_key(&self, consumer: &str, id: &str) -> Item {
        self.table.key_with_range(dead_pk(consumer), id)
    }
}

/// Returns an error unless a failed condition cancelled the transaction.
fn gone(reasons: Vec<Cancellation>) -> Result<(), StoreError> {
    let failed = reasons.iter().any(|reason| matches!(reason, Cancellation::ConditionFailed(_)));
    if failed {
        return Ok(());
    }
    Err(StoreError::Request {
        operation: "TransactWriteItems",
        table: RUNTIME.name.to_owned(),
        code: "TransactionCanceledException".to_owned(),
        message: format!("{reasons:?}"),
    })
}
