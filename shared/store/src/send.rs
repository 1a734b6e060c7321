//! Sends a single write.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;

use crate::contention::conflict_attempts;
use crate::write::{Kind, Request};
use crate::{Item, Store, StoreError, Write};

/// DynamoDB's error code for a write of an item that a transaction is writing.
const CONFLICT: &str = "TransactionConflictException";

/// Why a write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The write's condition does not hold. Contains the existing item, if there is one.
    #[error("the condition of the write does not hold")]
    ConditionFailed(Option<Box<Item>>),
    /// The request failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Sends one write. Repeats it, with backoff, while it conflicts with transactions.
    ///
    /// # Errors
    /// [`WriteError`] if the condition does not hold or the request fails. Nothing is written then, unless only the answer was lost.
    pub async fn write(&self, write: Write) -> Result<(), WriteError> {
        let request = write.into_request();
        let mut attempts = conflict_attempts();
        loop {
            attempts.next().await;
            let result = self.send(request.clone()).await;
            if attempts.is_last() || !met_a_transaction(&result) {
                return result;
            }
        }
    }

    async fn send(&self, request: Request) -> Result<(), WriteError> {
        let table = request.table.clone();
        match request.kind {
            Kind::Put(item) => self
                .client
                .put_item()
                .table_name(request.table)
                .set_item(Some(item))
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("PutItem", &table, &error)),
            Kind::Update { key, .. } => self
                .client
                .update_item()
                .table_name(request.table)
                .set_key(Some(key))
                .update_expression(request.update)
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("UpdateItem", &table, &error)),
            Kind::Delete { key } => self
                .client
                .delete_item()
                .table_name(request.table)
                .set_key(Some(key))
                .set_condition_expression(request.condition)
                .set_expression_attribute_names(request.names)
                .set_expression_attribute_values(request.values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("DeleteItem", &table, &error)),
        }
    }
}

fn met_a_transaction(result: &Result<(), WriteError>) -> bool {
    matches!(result, Err(WriteError::Store(StoreError::Request { code, .. })) if code == CONFLICT)
}

/// An error of one of the three operations that write one item.
trait SingleWriteError: ProvideErrorMetadata + std::error::Error + 'static {
    fn failed_condition(&self) -> Option<&ConditionalCheckFailedException>;
}

macro_rules! single_write_error {
    ($($error:ident),+) => {
        $(impl SingleWriteError for $error {
            fn failed_condition(&self) -> Option<&ConditionalCheckFailedException> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => Some(failed),
                    _ => None,
                }
            }
        })+
    };
}

single_write_error!(PutItemError, UpdateItemError, DeleteItemError);

fn failed<E: SingleWriteError, R: std::fmt::Debug + 'static>(
    operation: &'static str,
    table: &str,
    error: &SdkError<E, R>,
) -> WriteError {
    match error.as_service_error().and_then(E::failed_condition) {
        Some(failed) => WriteError::ConditionFailed(failed.item().cloned().map(Box::new)),
        None => StoreError::request(operation, table, error).into(),
    }
}
