//! A first start that is cut off after any of its commits.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use orderflow_embedded::{Embedded, Location};

use crate::support::{TABLE, text};

const INDEXES: [&str; 2] = ["by_color", "by_size"];

fn open(directory: &Path) -> Embedded {
    Embedded::open(Location::Directory(directory.to_owned())).unwrap()
}

fn key(name: &str) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap()
}

async fn create(client: &Client) {
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let mut request = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    for name in ["id"].into_iter().chain(INDEXES) {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        request =
            request.attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().unwrap());
    }
    for name in INDEXES {
        let index = GlobalSecondaryIndex::builder().index_name(name).key_schema(key(name));
        request = request.global_secondary_indexes(index.projection(projection.clone()).build().unwrap());
    }
    request.key_schema(key("id")).send().await.unwrap();
}

/// Returns the prefixes of a write-ahead log that end with a commit.
fn commits(log: &[u8]) -> Vec<&[u8]> {
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let (header, frame) = (32, 24 + number(8));
    let ends = (1..=(log.len() - header) / frame).map(|count| header + count * frame);
    ends.filter(|end| number(end - frame + 4) > 0).map(|end| &log[..end]).collect()
}

#[tokio::test]
async fn the_next_open_lists_only_what_can_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    create(&first.dynamodb()).await;
    let database = std::fs::read(directory.path().join("orderflow.db")).unwrap();
    let log = std::fs::read(directory.path().join("orderflow.db-wal")).unwrap();
    let (mut unlisted, mut partial) = (0, 0);
    for log in commits(&log) {
        let cut = tempfile::tempdir().unwrap();
        std::fs::write(cut.path().join("orderflow.db"), &database).unwrap();
        std::fs::write(cut.path().join("orderflow.db-wal"), log).unwrap();
        let client = open(cut.path()).dynamodb();
        if client.list_tables().send().await.unwrap().table_names().is_empty() {
            unlisted += 1;
            create(&client).await;
        }
        let item = client.put_item().table_name(TABLE).item("id", text("a"));
        item.item("by_color", text("red")).item("by_size", text("small")).send().await.unwrap();
        let table = client.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
        partial += usize::from(table.global_secondary_indexes().len() < INDEXES.len());
        for index in table.global_secondary_indexes() {
            let name = index.index_name().unwrap();
            let query = client.query().table_name(TABLE).index_name(name);
            let query =
                query.key_condition_expression("#key = :value").expression_attribute_names("#key", name);
            let value = if name == "by_color" { "red" } else { "small" };
            let found = query.expression_attribute_values(":value", text(value)).send().await.unwrap();
            assert_eq!(found.count(), 1);
        }
    }
    assert!(unlisted > 0 && partial > 0, "{unlisted} without the table, {partial} without an index");
}
