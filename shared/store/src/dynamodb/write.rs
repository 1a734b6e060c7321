//! Sends a single write.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use orderflow_store_port::{Operation, Write, WriteError};

use super::DynamoDb;
use super::error::request_failed;
use super::expression::Expressions;
use super::value::{from_sdk, to_sdk};

impl DynamoDb {
    /// Sends one write.
    pub(super) async fn send(&self, write: &Write) -> Result<(), WriteError> {
        let mut expressions = Expressions::of(write);
        let (names, values) = (expressions.names(), expressions.values());
        let table = &*write.table.name;
        match &write.operation {
            Operation::Put(item) => self
                .client
                .put_item()
                .table_name(table)
                .set_item(Some(to_sdk(item)))
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("PutItem", table, &error)),
            Operation::Update { key, .. } => self
                .client
                .update_item()
                .table_name(table)
                .set_key(Some(to_sdk(key)))
                .update_expression(expressions.update)
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("UpdateItem", table, &error)),
            Operation::Delete { key } => self
                .client
                .delete_item()
                .table_name(table)
                .set_key(Some(to_sdk(key)))
                .set_condition_expression(expressions.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await
                .map(drop)
                .map_err(|error| failed("DeleteItem", table, &error)),
        }
    }
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
        Some(failed) => WriteError::ConditionFailed(failed.item().cloned().map(from_sdk).map(Box::new)),
        None => request_failed(operation, table, error).into(),
    }
}
