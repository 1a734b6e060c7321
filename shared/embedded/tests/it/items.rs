use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, ReturnValuesOnConditionCheckFailure, TimeToLiveSpecification, WriteRequest,
};
use orderflow_embedded::Embedded;

use crate::support::{TABLE, create, exists, increment, memory, n, put, text};

#[tokio::test]
async fn a_failed_condition_is_a_typed_error_with_the_old_item() {
    let client = memory().await.dynamodb();
    put(&client, "a").await;
    let error = client
        .put_item()
        .table_name(TABLE)
        .item("id", text("a"))
        .item("other", text("new"))
        .condition_expression("attribute_not_exists(id)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let PutItemError::ConditionalCheckFailedException(failed) = error else {
        panic!("not a failed condition: {error:?}");
    };
    assert_eq!(failed.item().unwrap()["id"], text("a"));
}

#[tokio::test]
async fn a_cancelled_transaction_names_a_reason_for_each_action_and_writes_nothing() {
    let client = memory().await.dynamodb();
    put(&client, "b").await;
    let transaction = client.transact_write_items().transact_items(create("a")).transact_items(create("b"));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("not cancelled: {error:?}");
    };
    let codes: Vec<_> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert!(!exists(&client, "a").await);
}

#[tokio::test]
async fn missing_tables_and_refused_values_are_typed_errors() {
    let client = memory().await.dynamodb();
    let missing = client.get_item().table_name("nowhere").key("id", text("a")).send().await;
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
    let put = client.put_item().table_name(TABLE).item("id", text("a"));
    let refused = put.item("n", AttributeValue::N("many".to_owned())).send().await;
    let error = refused.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn requests_and_the_sizes_of_transactions_are_counted() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    let before = embedded.requests();
    put(&client, "a").await;
    let transaction =
        client.transact_write_items().transact_items(create("b")).transact_items(increment("c"));
    transaction.send().await.unwrap();
    let counts = embedded.requests().since(&before);
    assert_eq!((counts.of("PutItem"), counts.of("TransactWriteItems"), counts.total()), (1, 1, 2));
    assert_eq!(counts.transactions_by_size().iter().collect::<Vec<_>>(), [(&2, &1)]);
    assert_eq!(n(&client, "c").await, "1");
}

#[tokio::test]
async fn the_other_operations_are_reachable() {
    let client = memory().await.dynamodb();
    let write = WriteRequest::builder()
        .put_request(PutRequest::builder().item("id", text("a")).build().unwrap())
        .build();
    client.batch_write_item().request_items(TABLE, vec![write]).send().await.unwrap();
    let query = client.query().table_name(TABLE).key_condition_expression("id = :id");
    let found = query.expression_attribute_values(":id", text("a")).send().await.unwrap();
    assert_eq!(found.count(), 1);
    assert_eq!(client.scan().table_name(TABLE).send().await.unwrap().count(), 1);
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name("expires");
    let ttl = ttl.build().unwrap();
    client.update_time_to_live().table_name(TABLE).time_to_live_specification(ttl).send().await.unwrap();
    client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    assert_eq!(client.list_tables().send().await.unwrap().table_names(), [TABLE]);
    client.delete_item().table_name(TABLE).key("id", text("a")).send().await.unwrap();
    client.delete_table().table_name(TABLE).send().await.unwrap();
    assert!(client.list_tables().send().await.unwrap().table_names().is_empty());
}

#[tokio::test]
async fn unsupported_operations_are_unknown_operations() {
    let client = memory().await.dynamodb();
    let error = client.list_backups().send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn databases_in_memory_are_independent() {
    let databases: Vec<Embedded> = (0..20).map(|_| Embedded::in_memory().unwrap()).collect();
    crate::support::create_table(&databases[7].dynamodb(), TABLE).await;
    for (index, database) in databases.iter().enumerate() {
        let tables = database.dynamodb().list_tables().send().await.unwrap();
        assert_eq!(tables.table_names().len(), usize::from(index == 7));
    }
}
