//! A table with a stream, and shorthands for writing to it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
    StreamSpecification, StreamViewType, TransactWriteItem, Update,
};
use orderflow_embedded::Embedded;

pub(crate) const TABLE: &str = "things";

pub(crate) async fn memory() -> Embedded {
    let embedded = Embedded::in_memory().unwrap();
    create_table(&embedded.dynamodb(), TABLE).await;
    embedded
}

pub(crate) async fn create_table(client: &Client, table: &str) {
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let attribute =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let stream =
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.build().unwrap())
        .attribute_definitions(attribute.build().unwrap())
        .stream_specification(stream.build().unwrap())
        .send()
        .await
        .unwrap();
}

pub(crate) async fn put(client: &Client, id: &str) {
    client.put_item().table_name(TABLE).item("id", text(id)).send().await.unwrap();
}

pub(crate) async fn exists(client: &Client, id: &str) -> bool {
    let found = client.get_item().table_name(TABLE).key("id", text(id)).send().await;
    found.unwrap().item.is_some()
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Creates the item, and fails when it exists.
pub(crate) fn create(id: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .item("id", text(id))
        .condition_expression("attribute_not_exists(id)");
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

/// Adds one to the item's attribute `n`, without a condition.
pub(crate) fn increment(id: &str) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(TABLE)
        .key("id", text(id))
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

pub(crate) async fn n(client: &Client, id: &str) -> String {
    let found = client.get_item().table_name(TABLE).key("id", text(id)).send().await.unwrap();
    found.item.unwrap()["n"].as_n().unwrap().clone()
}
