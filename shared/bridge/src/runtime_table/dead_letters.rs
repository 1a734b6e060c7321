//! What operators do with dead letters.

use orderflow_domain::Timestamp;
use orderflow_store::{Cancellation, Item, StoreError, TransactError, Write, WriteError};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;
use uuid::Uuid;

use super::{DeadLetterRow, Delayed, RUNTIME, RuntimeTable, Tried, dead_pk, unconditional};

impl RuntimeTable {
    /// Turns a dead letter into a delayed row that is due now, with no attempt counted, in one step. None where the letter is gone or has
    /// another body by now.
    ///
    /// The row has a key of its own, so that another message with the same id, which may be put off too, neither takes its place nor
    /// takes it away.
    pub(crate) async fn revive(
        &self,
        consumer: &str,
        letter: &DeadLetterRow,
    ) -> Result<Option<Delayed>, StoreError> {
        let now = Timestamp::now();
        let key = format!("{}#{}", letter.id(), Uuid::now_v7());
        let tried = Tried { attempts: 0, first_at: now };
        let row = Delayed::new(consumer, &key, &letter.body, tried, now, "replayed");
        let remove = Write::delete(&self.table, self.dead_key(consumer, letter.id()));
        let remove = remove.if_equals("body", to_attribute_value(&letter.body).map_err(shape)?);
        match self.store.transact(vec![remove, self.write_delayed(&row)?]).await {
            Ok(()) => Ok(Some(row)),
            Err(TransactError::Cancelled(reasons)) => gone(reasons).map(|()| None),
            Err(TransactError::Store(error)) => Err(error),
        }
    }

    /// Gives a dead letter another body. False where there is none of that id.
    pub(crate) async fn replace_body(
        &self,
        consumer: &str,
        id: &str,
        body: &str,
    ) -> Result<bool, StoreError> {
        let body = to_attribute_value(body).map_err(shape)?;
        let write = Write::update(&self.table, self.dead_key(consumer, id)).set("body", body).if_present();
        match self.store.write(write).await {
            Ok(()) => Ok(true),
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(unconditional(error)),
        }
    }

    /// Deletes dead letters for good; one outcome for each.
    pub(crate) async fn purge(
        &self,
        consumer: &str,
        letters: &[DeadLetterRow],
    ) -> Vec<Result<(), StoreError>> {
        let delete =
            |letter: &DeadLetterRow| Write::delete(&self.table, self.dead_key(consumer, letter.id()));
        self.write_each(letters.iter().map(delete).collect()).await
    }

    fn dead_key(&self, consumer: &str, id: &str) -> Item {
        self.table.key_with_range(dead_pk(consumer), id)
    }
}

/// Nothing where a condition alone cancelled the transaction.
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

fn shape(error: impl ToString) -> StoreError {
    StoreError::Shape { table: RUNTIME.name.to_owned(), message: error.to_string() }
}
