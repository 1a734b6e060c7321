//! Which operation a request is, and what carries it out.

use crate::failure::Failure;
use crate::service::{Answer, Service};
use crate::{read, streams, tables, transaction, write};

/// Carries out a request. `target` is the header `x-amz-target`, for example `DynamoDB_20120810.PutItem`.
pub(crate) async fn carry_out(service: &Service, target: &str, body: &[u8]) -> Answer {
    match target.split_once('.') {
        Some(("DynamoDB_20120810", operation)) => match operation {
            "ListTables" => tables::list(service, body).await,
            "DescribeTable" => tables::describe(service, body),
            "CreateTable" => tables::create(service, body).await,
            "UpdateTable" => tables::update(service, body).await,
            "PutItem" => write::put(service, body).await,
            "UpdateItem" => write::update(service, body).await,
            "DeleteItem" => write::delete(service, body).await,
            "TransactWriteItems" => transaction::carry_out(service, body).await,
            "GetItem" => read::get(service, body).await,
            "BatchGetItem" => read::batch_get(service, body).await,
            "Query" => read::query(service, body).await,
            "Scan" => read::scan(service, body).await,
            _ => Err(unknown(operation)),
        },
        Some(("DynamoDBStreams_20120810", operation)) => match operation {
            "ListStreams" => streams::list(service, body).await,
            "DescribeStream" => streams::describe(service, body),
            "GetShardIterator" => streams::iterator(service, body),
            "GetRecords" => streams::records(service, body).await,
            _ => Err(unknown(operation)),
        },
        _ => Err(unknown(target)),
    }
}

fn unknown(operation: &str) -> Failure {
    let message = format!("{operation:?} is not an operation of orderflow store");
    Failure::new("UnknownOperationException", message)
}
