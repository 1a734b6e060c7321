//! Tables that are created and completed.

use orderflow_store::{IndexDefinition, TableDefinition, TableState};
use orderflow_store_port::Query;

use super::StoreUnderTest;
use super::ground::{Ground, THINGS, put, s, thing};

/// A table that no scenario has from the beginning.
pub(super) static LATER_CREATED: TableDefinition =
    TableDefinition { name: "later", hash: "id", range: None, indexes: &[], streams: false };

/// The same table with a stream.
static LATER_STREAMED: TableDefinition =
    TableDefinition { name: "later", hash: "id", range: None, indexes: &[], streams: true };

/// The table of things in a later version.
static MORE_THINGS: TableDefinition = TableDefinition {
    name: "things",
    hash: "id",
    range: None,
    indexes: &[
        IndexDefinition { name: "by_group", hash: "group", range: "at" },
        IndexDefinition { name: "by_at", hash: "at", range: "id" },
    ],
    streams: true,
};

/// Two processes may create a table at the same time; its items stay.
pub async fn creating_twice_changes_nothing<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", []).await;
    ground.backend.create_missing(&ground.things).await.unwrap();
    assert!(ground.thing("a").await.is_some());
    let later = ground.table(&LATER_CREATED);
    assert!(!ground.backend.table_state(&later).await.unwrap().exists);
    let (one, other) =
        tokio::join!(ground.backend.create_missing(&later), ground.backend.create_missing(&later));
    one.unwrap();
    other.unwrap();
    let complete = TableState {
        name: later.name.to_string(),
        exists: true,
        missing_indexes: Vec::new(),
        missing_stream: false,
    };
    assert_eq!(ground.backend.table_state(&later).await.unwrap(), complete);
}

/// An index that is added lists the items that the table has already, and an older program does not remove it.
pub async fn an_added_index_lists_what_there_was<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    for id in ["a", "b"] {
        ground.put(id, [("at", s("noon")), ("group", s("x"))]).await;
    }
    ground.put("c", []).await;
    let more = ground.table(&MORE_THINGS);
    assert_eq!(ground.backend.table_state(&more).await.unwrap().missing_indexes, ["by_at"]);
    ground.backend.create_missing(&more).await.unwrap();
    assert!(ground.backend.table_state(&more).await.unwrap().missing_indexes.is_empty());
    let listed = Query { index: Some(&MORE_THINGS.indexes[1]), ..Query::new(&more, "noon") };
    assert_eq!(ground.all(listed.clone()).await.len(), 2);
    ground.backend.create_missing(&ground.table(&THINGS)).await.unwrap();
    ground.write(put(&more, thing("d", [("at", s("noon"))]))).await.unwrap();
    assert_eq!(ground.all(listed).await.len(), 3);
}

/// A stream that is added has the changes since then, and an older program does not remove it.
pub async fn a_stream_is_added_once<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let (without, with) = (ground.table(&LATER_CREATED), ground.table(&LATER_STREAMED));
    ground.backend.create_missing(&without).await.unwrap();
    assert!(ground.backend.table_state(&with).await.unwrap().missing_stream);
    assert!(ground.backend.open_stream(&with.name, Vec::new()).await.is_err());
    ground.backend.create_missing(&with).await.unwrap();
    ground.backend.create_missing(&without).await.unwrap();
    assert!(!ground.backend.table_state(&with).await.unwrap().missing_stream);
    let mut stream = ground.backend.open_stream(&with.name, Vec::new()).await.unwrap();
    ground.write(put(&with, thing("a", []))).await.unwrap();
    assert_eq!(super::streams::read_all(&mut *stream).await.len(), 1);
}

/// Every table is listed with its full name.
pub async fn tables_are_listed<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let listed = ground.backend.list_tables().await.unwrap();
    for table in [&ground.things, &ground.shelves] {
        assert_eq!(listed.iter().filter(|name| **name == *table.name).count(), 1, "{listed:?}");
    }
}
