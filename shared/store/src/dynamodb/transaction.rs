//! Sends writes that take effect together or not at all.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update,
};
use orderflow_store_port::{Cancellation, Operation, StoreError, TransactError, Write};

use super::DynamoDb;
use super::error::request_failed;
use super::expression::Expressions;
use super::value::{from_sdk, to_sdk};

impl DynamoDb {
    /// Sends a transaction once.
    pub(super) async fn send_transaction(&self, writes: &[Write]) -> Result<(), TransactError> {
        let actions: Vec<TransactWriteItem> = writes.iter().map(action).collect::<Result<_, _>>()?;
        let sent = self.client.transact_write_items().set_transact_items(Some(actions)).send().await;
        let Err(error) = sent else { return Ok(()) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().iter().cloned();
                Err(TransactError::Cancelled(reasons.map(cancellation).collect()))
            }
            _ => Err(request_failed("TransactWriteItems", &table_names(writes), &error).into()),
        }
    }
}

fn action(write: &Write) -> Result<TransactWriteItem, StoreError> {
    let mut expressions = Expressions::of(write);
    let (names, values) = (expressions.names(), expressions.values());
    let table = &*write.table.name;
    let shape = |error: BuildError| StoreError::Shape { table: table.to_owned(), message: error.to_string() };
    let action = TransactWriteItem::builder();
    let action = match &write.operation {
        Operation::Put(item) => action.put(
            Put::builder()
                .table_name(table)
                .set_item(Some(to_sdk(item)))
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
        Operation::Update { key, .. } => action.update(
            Update::builder()
                .table_name(table)
                .set_key(Some(to_sdk(key)))
                .update_expression(expressions.update)
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
        Operation::Delete { key } => action.delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(to_sdk(key)))
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map_err(shape)?,
        ),
    };
    Ok(action.build())
}

fn table_names(writes: &[Write]) -> String {
    let mut names: Vec<&str> = writes.iter().map(|write| &*write.table.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn cancellation(reason: CancellationReason) -> Cancellation {
    match reason.code.as_deref() {
        None | Some("None") => Cancellation::None,
        Some("ConditionalCheckFailed") => {
            Cancellation::ConditionFailed(reason.item.map(from_sdk).map(Box::new))
        }
        Some("TransactionConflict") => Cancellation::Conflict,
        Some(code) => {
            Cancellation::Other { code: code.to_owned(), message: reason.message.unwrap_or_default() }
        }
    }
}
