//! Tables, and the streams that trigger the relay.

use std::collections::BTreeSet;

use orderflow_outbox_relay::EVENT_SOURCES;
use orderflow_store::{OUTBOX, TableDefinition};
use orderflow_system::TABLES;
use serde_json::{Value, json};

use crate::reading::{functions, resource, resources};

/// The tables that only the bridge needs.
const OFF_AWS: &str = "runtime";

#[test]
fn tables_are_as_the_code_defines_them() {
    let deployed = TABLES.iter().filter(|table| table.name != OFF_AWS);
    assert_eq!(resources("AWS::DynamoDB::Table").len(), deployed.clone().count());
    for table in deployed {
        let (_, found) = of(table);
        assert_eq!(found["KeySchema"], schema(table.hash, table.range), "{}", table.name);
        let indexes: Vec<Value> = table
            .indexes
            .iter()
            .map(|index| {
                json!({
                    "IndexName": index.name,
                    "KeySchema": schema(index.hash, Some(index.range)),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                })
            })
            .collect();
        let found_indexes = found["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        assert_eq!(found_indexes, indexes, "{}", table.name);
        assert_eq!(attributes(&found), keys(table), "{}", table.name);
        assert_eq!(found["BillingMode"], "PAY_PER_REQUEST", "{}", table.name);
        assert_eq!(found["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
        assert_eq!(found["SSESpecification"]["SSEEnabled"], true, "{}", table.name);
        assert_eq!(found["DeletionProtectionEnabled"], "KeepTables", "{}", table.name);
    }
}

#[test]
fn the_relay_is_triggered_by_the_tables_whose_writes_have_events() {
    let sources: BTreeSet<&str> = EVENT_SOURCES.iter().map(|source| source.table.name).collect();
    for table in TABLES.iter().filter(|table| table.name != OFF_AWS) {
        let stream = &of(table).1["StreamSpecification"]["StreamViewType"];
        let expected = if sources.contains(table.name) { json!("NEW_IMAGE") } else { Value::Null };
        assert_eq!(*stream, expected, "{}", table.name);
    }
    let triggers = functions()["outbox-relay"].triggers("DynamoDB");
    let streams: BTreeSet<&str> =
        triggers.iter().map(|trigger| trigger["Stream"].as_str().unwrap()).collect();
    let expected: BTreeSet<String> =
        EVENT_SOURCES.iter().map(|source| format!("{}.StreamArn", of(source.table).0)).collect();
    assert_eq!(streams, expected.iter().map(String::as_str).collect());
    assert_eq!(triggers.len(), EVENT_SOURCES.len());
}

#[test]
fn the_relay_gets_every_event_and_retries_without_limit() {
    for trigger in functions()["outbox-relay"].triggers("DynamoDB") {
        let pattern = trigger["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
        let pattern: Value = serde_json::from_str(pattern).unwrap();
        assert_eq!(pattern, json!({"dynamodb": {"NewImage": {OUTBOX: {"S": [{"exists": true}]}}}}));
        assert_eq!(trigger["StartingPosition"], "TRIM_HORIZON");
        assert_eq!(trigger["MaximumRecordAgeInSeconds"], -1);
        assert_eq!(trigger["MaximumRetryAttempts"], -1);
    }
}

fn of(table: &TableDefinition) -> (String, Value) {
    resource("AWS::DynamoDB::Table", "TableName", &format!("${{Prefix}}-{}", table.name))
}

fn schema(hash: &str, range: Option<&str>) -> Value {
    let keys = [(Some(hash), "HASH"), (range, "RANGE")].into_iter();
    let keys =
        keys.filter_map(|(name, role)| name.map(|name| json!({"AttributeName": name, "KeyType": role})));
    keys.collect()
}

/// Returns the declared attributes. All keys are strings.
fn attributes(table: &Value) -> BTreeSet<String> {
    let declared = table["AttributeDefinitions"].as_array().unwrap().iter();
    let name = |attribute: &Value| {
        assert_eq!(attribute["AttributeType"], "S");
        attribute["AttributeName"].as_str().unwrap().to_owned()
    };
    declared.map(name).collect()
}

fn keys(table: &TableDefinition) -> BTreeSet<String> {
    let own = [Some(table.hash), table.range].into_iter().flatten();
    let indexes = table.indexes.iter().flat_map(|index| [index.hash, index.range]);
    own.chain(indexes).map(str::to_owned).collect()
}
