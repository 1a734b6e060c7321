//! The IAM rights that requests of the AWS SDK need.

use serde_json::Value;

use crate::world::PREFIX;

/// A right that a request needs: an action on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// The action, such as `dynamodb:PutItem`.
    pub action: String,
    /// The resource, such as `table/orders`, `table/orders/index/all`, `queue/payment`, `topic/events`, `identity/*`,
    /// `configuration-set/*`, or `phone`, which has no ARN.
    pub resource: String,
}

/// The path at which SES accepts messages.
const OUTBOUND_EMAILS: &str = "/v2/email/outbound-emails";

/// Returns the rights that a request needs, by its path (SES), its header `X-Amz-Target` (DynamoDB, SQS), or its form (SNS).
pub(crate) fn calls_of(path: &str, target: Option<&str>, body: &[u8]) -> Vec<Call> {
    if path == OUTBOUND_EMAILS {
        return of_ses(body);
    }
    let Some((service, operation)) = target.and_then(|target| target.split_once('.')) else {
        return of_sns(body);
    };
    let body: Value = serde_json::from_slice(body).unwrap();
    match service {
        "AmazonSQS" => vec![of_sqs(operation, &body)],
        _ => of_dynamodb(operation, &body),
    }
}

/// Returns the rights of a request to DynamoDB. A transaction needs the rights of its parts; a query of an index needs a right to the index.
/// See <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>.
fn of_dynamodb(operation: &str, body: &Value) -> Vec<Call> {
    let call = |operation: &str, table: &str| Call {
        action: format!("dynamodb:{operation}"),
        resource: format!("table/{}", own(table)),
    };
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            let parts = items.flat_map(|item| item.as_object().unwrap());
            parts.map(|(part, item)| call(right_of(part), item["TableName"].as_str().unwrap())).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            body["RequestItems"].as_object().unwrap().keys().map(|table| call(operation, table)).collect()
        }
        _ => {
            let mut call = call(operation, body["TableName"].as_str().unwrap());
            if let Some(index) = body["IndexName"].as_str() {
                call.resource = format!("{}/index/{index}", call.resource);
            }
            vec![call]
        }
    }
}

/// Returns the right that a part of a transaction needs.
fn right_of(part: &str) -> &'static str {
    match part {
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "Get" => "GetItem",
        "ConditionCheck" => "ConditionCheckItem",
        _ => panic!("{part} is not a part of a transaction"),
    }
}

/// Returns the right of a request to SQS. A batch needs the same right as a single call.
fn of_sqs(operation: &str, body: &Value) -> Call {
    let queue = body["QueueUrl"].as_str().or(body["QueueName"].as_str()).unwrap();
    Call {
        action: format!("sqs:{}", operation.trim_end_matches("Batch")),
        resource: format!("queue/{}", own(queue.rsplit('/').next().unwrap())),
    }
}

/// Returns the right of a request to SNS. A batch needs the same right as a single call.
fn of_sns(form: &[u8]) -> Vec<Call> {
    let field = |wanted: &str| form_urlencoded::parse(form).find(|(name, _)| name == wanted);
    let (_, action) = field("Action").unwrap();
    let resource = match field("TopicArn") {
        Some((_, topic)) => format!("topic/{}", own(topic.rsplit(':').next().unwrap())),
        None => "phone".to_owned(),
    };
    vec![Call { action: format!("sns:{}", action.trim_end_matches("Batch")), resource }]
}

/// Returns the rights of a request to SES. A raw message needs a further right. See
/// <https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html>. All rights are needed for the identity and for its default
/// configuration set, which the request does not name.
fn of_ses(body: &[u8]) -> Vec<Call> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let raw = body["Content"]["Raw"].is_object().then_some("ses:SendRawEmail");
    let actions = std::iter::once("ses:SendEmail").chain(raw);
    let calls = actions.flat_map(|action| {
        ["identity/*", "configuration-set/*"]
            .map(|resource| Call { action: action.to_owned(), resource: resource.to_owned() })
    });
    calls.collect()
}

/// Returns a name without the prefix of the installation.
fn own(name: &str) -> &str {
    name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix('-')).unwrap_or(name)
}
