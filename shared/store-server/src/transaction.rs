//! `TransactWriteItems`.

use std::time::Instant;

use orderflow_store_port::{Cancellation, TransactError, Write};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::request::{only, parse};
use crate::service::{Answer, Service};
use crate::tokens::Admission;
use crate::write::{Kind, WriteRequest, write_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TransactWriteItems {
    transact_items: Vec<Action>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

/// One action, which has one of the members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Action {
    put: Option<WriteRequest>,
    update: Option<WriteRequest>,
    delete: Option<WriteRequest>,
}

pub(crate) async fn carry_out(service: &Service, body: &[u8]) -> Answer {
    let request: TransactWriteItems = parse(body)?;
    only("ReturnConsumedCapacity", request.return_consumed_capacity.as_deref(), &["NONE"])?;
    only("ReturnItemCollectionMetrics", request.return_item_collection_metrics.as_deref(), &["NONE"])?;
    let (mut writes, mut shows_item) = (Vec::new(), Vec::new());
    for action in request.transact_items {
        let (write, shows) = write_of_action(service, action)?;
        writes.push(write);
        shows_item.push(shows);
    }
    let token = request.client_request_token.as_deref();
    if let Some(token) = token
        && service.tokens.begin(token, body, Instant::now())? == Admission::Repeat
    {
        return Ok(json!({}));
    }
    let result = service.backend.transact(&writes).await;
    if let Some(token) = token {
        // A lost answer was carried out, and so is its repeat.
        let has_succeeded = result.is_ok() || is_lost(&result);
        service.tokens.end(token, has_succeeded, Instant::now());
    }
    match result {
        Ok(()) => Ok(json!({})),
        Err(TransactError::Store(error)) => Err(error.into()),
        Err(TransactError::Cancelled(reasons)) => Err(cancelled(reasons, &shows_item)),
    }
}

fn is_lost(result: &Result<(), TransactError>) -> bool {
    matches!(result, Err(TransactError::Store(error)) if Failure::from(error.clone()) == Failure::Lost)
}

fn write_of_action(service: &Service, action: Action) -> Result<(Write, bool), Failure> {
    match action {
        Action { put: Some(put), update: None, delete: None } => write_of(service, Kind::Put, put),
        Action { put: None, update: Some(update), delete: None } => write_of(service, Kind::Update, update),
        Action { put: None, update: None, delete: Some(delete) } => write_of(service, Kind::Delete, delete),
        _ => Err(Failure::invalid("TransactItems can only contain one of Put, Update or Delete")),
    }
}

fn cancelled(reasons: Vec<Cancellation>, shows_item: &[bool]) -> Failure {
    let shown: Vec<Value> =
        reasons.into_iter().zip(shows_item).map(|(reason, shows)| shown(reason, *shows)).collect();
    let codes: Vec<&str> = shown.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    Failure::new("TransactionCanceledException", message).with("CancellationReasons", Value::Array(shown))
}

fn shown(reason: Cancellation, shows_item: bool) -> Value {
    match reason {
        Cancellation::None => json!({"Code": "None"}),
        Cancellation::ConditionFailed(item) => {
            let mut shown =
                json!({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"});
            if let Some(item) = item.filter(|_| shows_item) {
                shown["Item"] = json!(*item);
            }
            shown
        }
        Cancellation::Conflict => {
            json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"})
        }
        Cancellation::Other { code, message } => json!({"Code": code, "Message": message}),
    }
}
