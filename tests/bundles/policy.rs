//! The rights of each function in template.yaml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::calls::Call;

/// The rights for a queue as trigger: Lambda receives and deletes messages with the role of the function.
/// See <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>.
const TRIGGERED_BY_QUEUE: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// The rights for a table's stream as trigger. See <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.
const TRIGGERED_BY_STREAM: [&str; 3] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];

/// The rights of a function and of its triggers.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Each right of its role, with any parameters; the action may end with `*`.
    pub rights: BTreeSet<Call>,
    /// The rights that Lambda uses to trigger the function.
    pub for_triggers: BTreeSet<Call>,
}

impl Policy {
    pub(crate) fn allows(&self, call: &Call) -> bool {
        self.rights.iter().any(|right| covers(right, call))
    }
}

/// Returns whether a right permits this call.
pub(crate) fn covers(right: &Call, call: &Call) -> bool {
    let action = match right.action.strip_suffix('*') {
        Some(start) => call.action.starts_with(start),
        None => call.action == right.action,
    };
    action && call.resource == right.resource
}

/// Returns the policies of all functions, by bundle.
pub(crate) fn policies() -> BTreeMap<String, Policy> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    // YAML tags are ignored: `!GetAtt OrdersTable.Arn` is read as `OrdersTable.Arn`.
    let template: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let resources = &template["Resources"];
    let functions = resources.as_object().unwrap().values();
    let functions = functions.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let bundle = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
            let policy = Policy {
                rights: rights(resources, &function["Properties"]["Role"]),
                for_triggers: for_triggers(resources, &function["Properties"]["Events"]),
            };
            (bundle, policy)
        })
        .collect()
}

fn rights(resources: &Value, role: &Value) -> BTreeSet<Call> {
    let role = role.as_str().unwrap().trim_end_matches(".Arn");
    let policies = resources[role]["Properties"]["Policies"].as_array().unwrap().iter();
    // Lambda itself uses the right to write the log.
    let policies = policies.filter(|policy| policy["PolicyName"] != "log");
    let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    let mut rights = BTreeSet::new();
    for statement in statements.map(if_granted) {
        for resource in resources_of(resources, statement) {
            let right = |action: &str| Call { action: action.to_owned(), resource: resource.clone() };
            rights.extend(texts(&statement["Action"]).into_iter().map(right));
        }
    }
    rights
}

/// Returns a statement as it is if its condition holds.
fn if_granted(statement: &Value) -> &Value {
    statement.get(1).unwrap_or(statement)
}

fn resources_of(resources: &Value, statement: &Value) -> Vec<String> {
    match statement["NotResource"].as_str() {
        // Every resource that is not a topic is a telephone number.
        Some("arn:${AWS::Partition}:sns:*:*:*") => vec!["phone".to_owned()],
        Some(other) => panic!("unexpected resource: not {other}"),
        None => given(&statement["Resource"]).into_iter().map(|text| named(resources, text)).collect(),
    }
}

fn for_triggers(resources: &Value, events: &Value) -> BTreeSet<Call> {
    let mut rights = BTreeSet::new();
    for event in events.as_object().into_iter().flat_map(|events| events.values()) {
        let (actions, source) = match event["Type"].as_str().unwrap() {
            "SQS" => (TRIGGERED_BY_QUEUE, &event["Properties"]["Queue"]),
            "DynamoDB" => (TRIGGERED_BY_STREAM, &event["Properties"]["Stream"]),
            _ => continue,
        };
        let resource = named(resources, source.as_str().unwrap());
        rights.extend(actions.map(|action| Call { action: action.to_owned(), resource: resource.clone() }));
        if event["Type"] == "DynamoDB" {
            rights.insert(Call { action: "dynamodb:ListStreams".to_owned(), resource: "*".to_owned() });
        }
    }
    rights
}

/// Reads a resource or a list of resources, each with the condition of an `!If` fulfilled.
fn given(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(texts) => texts.iter().map(|text| if_granted(text).as_str().unwrap()).collect(),
        text => vec![text.as_str().unwrap()],
    }
}

/// Resolves a reference such as `${OrdersTable.Arn}/index/all`.
fn named(resources: &Value, reference: &str) -> String {
    if reference == "*" {
        return reference.to_owned();
    }
    match reference {
        "SesIdentityArn" => return "identity/*".to_owned(),
        "SesConfigurationSetArn" => return "configuration-set/*".to_owned(),
        _ => {}
    }
    if let Some(arn) = reference.strip_prefix("arn:") {
        return arn.rsplit(':').next().unwrap_or(arn).to_owned();
    }
    let (reference, path) = match reference.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
        Some((reference, path)) => (reference, path),
        None => (reference, ""),
    };
    let (resource, attribute) = reference.split_once('.').unwrap_or((reference, "Ref"));
    let resource = &resources[resource];
    let (kind, name) = match resource["Type"].as_str().unwrap() {
        "AWS::DynamoDB::Table" => ("table", "TableName"),
        "AWS::SQS::Queue" => ("queue", "QueueName"),
        "AWS::SNS::Topic" => ("topic", "TopicName"),
        other => panic!("{reference} is a {other}"),
    };
    let name = resource["Properties"][name].as_str().unwrap().trim_start_matches("${Prefix}-");
    let stream = if attribute == "StreamArn" { "/stream" } else { "" };
    format!("{kind}/{name}{stream}{path}")
}

/// Reads a text or a list of texts.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(texts) => texts.iter().map(|text| text.as_str().unwrap()).collect(),
        text => vec![text.as_str().unwrap()],
    }
}
