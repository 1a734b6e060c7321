//! Writes that take effect together or not at all.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};

use crate::contention::conflict_attempts;
use crate::write::{Kind, Request};
use crate::{Item, Store, StoreError, Write};

/// The most writes that one transaction takes (AWS limit).
pub const MAX_TRANSACTION_ACTIONS: usize = 100;

/// The part of one write in the cancellation of its transaction.
#[derive(Debug, Clone)]
pub enum Cancellation {
    /// The write did not cancel the transaction.
    None,
    /// The write's condition does not hold. Contains the existing item, if there is one.
    ConditionFailed(Option<Box<Item>>),
    /// Another request was writing the item.
    Conflict,
    /// Any other reason, with DynamoDB's code and message.
    Other {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
}

/// Why a transaction failed. None of its writes took effect, unless only the answer was lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransactError {
    /// DynamoDB cancelled the transaction. Contains an entry for each write, in the order of the writes.
    #[error("the transaction was cancelled")]
    Cancelled(Vec<Cancellation>),
    /// The request failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Sends writes that take effect together or not at all: at most [`MAX_TRANSACTION_ACTIONS`], each of another item. Repeats the transaction,
    /// with backoff, while it fails only because of conflicts with other requests.
    ///
    /// # Errors
    /// [`TransactError`] if a write cancels the transaction or the request fails.
    pub async fn transact(&self, writes: Vec<Write>) -> Result<(), TransactError> {
        let tables = table_names(&writes);
        let actions: Vec<TransactWriteItem> =
            writes.into_iter().map(|write| action(write.into_request())).collect::<Result<_, _>>()?;
        let mut attempts = conflict_attempts();
        loop {
            attempts.next().await;
            let error = match self
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.clone()))
                .send()
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(StoreError::request("TransactWriteItems", &tables, &error).into());
            };
            let reasons: Vec<_> =
                cancelled.cancellation_reasons().iter().cloned().map(Cancellation::from).collect();
            if attempts.is_last() || !only_conflicts(&reasons) {
                return Err(TransactError::Cancelled(reasons));
            }
        }
    }
}

fn action(request: Request) -> Result<TransactWriteItem, StoreError> {
    let table = request.table.clone();
    let shape = |error: BuildError| StoreError::shape(&table, &error);
    let action = TransactWriteItem::builder();
    let action = match request.kind {
        Kind::Put(item) => action.put(
            Put::builder()
                .table_name(request.table)
                .set_item(Some(item))
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
        Kind::Update { key, .. } => action.update(
            Update::builder()
                .table_name(request.table)
                .set_key(Some(key))
                .update_expression(request.update)
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
        Kind::Delete { key } => action.delete(
            Delete::builder()
                .table_name(request.table)
                .set_key(Some(key))
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
    };
    Ok(action.build())
}

fn only_conflicts(reasons: &[Cancellation]) -> bool {
    let conflicts = reasons.iter().filter(|reason| matches!(reason, Cancellation::Conflict)).count();
    let unconcerned = reasons.iter().filter(|reason| matches!(reason, Cancellation::None)).count();
    conflicts > 0 && conflicts + unconcerned == reasons.len()
}

fn table_names(writes: &[Write]) -> String {
    let mut names: Vec<&str> = writes.iter().map(Write::table).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

impl From<aws_sdk_dynamodb::types::CancellationReason> for Cancellation {
    fn from(reason: aws_sdk_dynamodb::types::CancellationReason) -> Self {
        match reason.code.as_deref() {
            None | Some("None") => Self::None,
            Some("ConditionalCheckFailed") => Self::ConditionFailed(reason.item.map(Box::new)),
            Some("TransactionConflict") => Self::Conflict,
            Some(code) => Self::Other { code: code.to_owned(), message: reason.message.unwrap_or_default() },
        }
    }
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;
