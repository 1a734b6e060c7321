//! Writes of one item.

use std::collections::HashMap;

use orderflow_store_port::{Item, Operation, Write};
use serde::Deserialize;
use serde_json::json;

use crate::expression::{Substitutions, parse_assignments, parse_conditions};
use crate::failure::{Failure, of_write};
use crate::request::{only, parse};
use crate::service::{Answer, Service};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    Update,
    Delete,
}

/// The parameters of a write, as an operation of its own and as an action of a transaction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct WriteRequest {
    table_name: String,
    item: Option<Item>,
    key: Option<Item>,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<HashMap<String, String>>,
    expression_attribute_values: Option<Item>,
    return_values_on_condition_check_failure: Option<String>,
    return_values: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

pub(crate) async fn put(service: &Service, body: &[u8]) -> Answer {
    carry_out(service, Kind::Put, body).await
}

pub(crate) async fn update(service: &Service, body: &[u8]) -> Answer {
    carry_out(service, Kind::Update, body).await
}

pub(crate) async fn delete(service: &Service, body: &[u8]) -> Answer {
    carry_out(service, Kind::Delete, body).await
}

async fn carry_out(service: &Service, kind: Kind, body: &[u8]) -> Answer {
    let (write, shows_item) = write_of(service, kind, parse(body)?)?;
    match service.backend.write(&write).await {
        Ok(()) => Ok(json!({})),
        Err(error) => Err(of_write(error, shows_item)),
    }
}

/// Returns the write of a request, and whether it wants the existing item if its condition fails.
pub(crate) fn write_of(
    service: &Service,
    kind: Kind,
    request: WriteRequest,
) -> Result<(Write, bool), Failure> {
    let WriteRequest { expression_attribute_names, expression_attribute_values, .. } = request;
    only("ReturnValues", request.return_values.as_deref(), &["NONE"])?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    only("ReturnItemCollectionMetrics", request.return_item_collection_metrics.as_deref(), &["NONE"])?;
    let on_failure = request.return_values_on_condition_check_failure.as_deref();
    only("ReturnValuesOnConditionCheckFailure", on_failure, &["NONE", "ALL_OLD"])?;

    let table = service.table(&request.table_name)?;
    let substitutions = Substitutions::new(expression_attribute_names, expression_attribute_values);
    let update = request.update_expression.as_deref();
    let operation = match (kind, request.item, request.key, update) {
        (Kind::Put, Some(item), None, None) => Operation::Put(item),
        (Kind::Delete, None, Some(key), None) => Operation::Delete { key },
        (Kind::Update, None, Some(key), Some(update)) => {
            Operation::Update { key, assignments: parse_assignments(update, &substitutions)? }
        }
        _ => return Err(Failure::invalid(expected(kind))),
    };
    let conditions = match &request.condition_expression {
        Some(condition) => parse_conditions(condition, &substitutions, table.definition.hash)?,
        None => Vec::new(),
    };
    substitutions.check_that_all_are_used()?;
    Ok((Write { table, operation, conditions }, on_failure == Some("ALL_OLD")))
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "a put has an Item, and neither Key nor UpdateExpression",
        Kind::Update => "an update has a Key and an UpdateExpression, and no Item",
        Kind::Delete => "a delete has a Key, and neither Item nor UpdateExpression",
    }
}
