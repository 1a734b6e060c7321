use orderflow_embedded::Embedded;
use orderflow_store::DEFAULT_PREFIX;

use super::*;

#[tokio::test]
async fn cursors_lists_only_tables_with_a_position() {
    let embedded = Embedded::in_memory().unwrap();
    let store = Store::new(embedded.backend(), DEFAULT_PREFIX);
    store.create_missing_tables(&[&RUNTIME]).await.unwrap();
    let runtime = RuntimeTable::new(&store);
    runtime.start_from("orderflow-payments").await.unwrap();
    assert_eq!(runtime.cursors().await.unwrap(), []);
    let position = Position { shard: "shard-1".to_owned(), sequence_number: "42".to_owned() };
    runtime.save_cursor("orderflow-orders", Some(position.clone())).await.unwrap();
    runtime.start_from("orderflow-orders").await.unwrap();
    assert_eq!(runtime.cursors().await.unwrap(), [("orderflow-orders".to_owned(), position)]);
}

#[test]
fn a_stored_cursor_names_shard_and_sequence_number() {
    let position = Position { shard: "shardId-1".to_owned(), sequence_number: "42".to_owned() };
    let stored = serde_json::json!({"pk": "cursor", "sk": "t", "after": "shardId-1 42", "starts": 1});
    let row: CursorRow = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(row.after, Some(position));
    assert_eq!(serde_json::to_value(row).unwrap(), stored);
    let error = serde_json::from_str::<Position>(r#""42""#).unwrap_err();
    assert!(error.to_string().contains("is not a stream position"), "{error}");
}
