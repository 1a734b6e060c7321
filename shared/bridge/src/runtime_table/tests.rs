use orderflow_embedded::{Embedded, Location};
use orderflow_store::{DEFAULT_PREFIX, IndependentWrites};

use super::*;

#[tokio::test]
async fn cursors_are_told_by_table_and_only_where_something_is_dealt_with() {
    let embedded = Embedded::open(Location::Memory).unwrap();
    let store = Store::new(embedded.dynamodb(), DEFAULT_PREFIX, IndependentWrites::OneTransaction);
    store.create_missing_tables(&[&RUNTIME]).await.unwrap();
    let runtime = RuntimeTable::new(&store);
    runtime.start_from("orderflow-payments").await.unwrap();
    assert_eq!(runtime.cursors().await.unwrap(), []);
    runtime.save_cursor("orderflow-orders", Some("shard-1 42".to_owned())).await.unwrap();
    runtime.start_from("orderflow-orders").await.unwrap();
    let position = Position { shard: "shard-1".to_owned(), sequence_number: "42".to_owned() };
    assert_eq!(runtime.cursors().await.unwrap(), [("orderflow-orders".to_owned(), position)]);
}
