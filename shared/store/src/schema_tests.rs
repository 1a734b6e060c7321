use super::*;
use crate::testing::{THINGS, Thing, World};
use crate::{IndependentWrites, IndexDefinition, Listing, Write};

/// The same table in a later version.
static LATER: TableDefinition = TableDefinition {
    name: "things",
    hash: "id",
    range: None,
    indexes: &[
        IndexDefinition { name: "by_group", hash: "group", range: "at" },
        IndexDefinition { name: "by_at", hash: "at", range: "id" },
        IndexDefinition { name: "by_name", hash: "name", range: "at" },
    ],
    streams: true,
};

#[tokio::test]
async fn creating_existing_tables_changes_nothing() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.store.write(Write::put(&world.things, &Thing::new("a")).unwrap()).await.unwrap();
    let before = world.embedded.requests();
    world.store.create_missing_tables(&[&THINGS]).await.unwrap();
    let requests = world.embedded.requests().since(&before);
    assert_eq!((requests.total(), requests.of("DescribeTable")), (1, 1));
    assert!(world.thing("a").await.is_some());
}

#[tokio::test]
async fn missing_indexes_are_added_and_filled() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.store.write(Write::put(&world.things, &Thing::new("a")).unwrap()).await.unwrap();
    let before = world.store.table_states(&[&LATER]).await.unwrap();
    assert_eq!(before[0].missing_indexes, ["by_at", "by_name"]);
    world.store.create_missing_tables(&[&LATER]).await.unwrap();
    let after = world.store.table_states(&[&LATER]).await.unwrap();
    assert!(after[0].exists && after[0].missing_indexes.is_empty(), "{after:?}");
    let listing =
        Listing { index: &LATER.indexes[1], partitions: vec!["a-at".to_owned()], descending: false };
    assert_eq!(world.store.table(&LATER).list(&listing, None, 10).await.unwrap(), ["a"]);
    // An older process, whose definition has fewer indexes, removes none.
    world.store.create_missing_tables(&[&THINGS]).await.unwrap();
    assert_eq!(world.store.table(&LATER).list(&listing, None, 10).await.unwrap(), ["a"]);
}

/// The same table before and after its writes name events.
static WITHOUT_STREAM: TableDefinition =
    TableDefinition { name: "others", hash: "id", range: None, indexes: &[], streams: false };
static WITH_STREAM: TableDefinition =
    TableDefinition { name: "others", hash: "id", range: None, indexes: &[], streams: true };

#[tokio::test]
async fn a_missing_stream_is_added_once() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.store.create_missing_tables(&[&WITHOUT_STREAM]).await.unwrap();
    let tables: [&'static TableDefinition; 1] = [&WITH_STREAM];
    assert!(world.store.table_states(&tables).await.unwrap()[0].missing_stream);
    let (one, other) =
        tokio::join!(world.store.create_missing_tables(&tables), world.store.create_missing_tables(&tables));
    one.unwrap();
    other.unwrap();
    assert!(!world.store.table_states(&tables).await.unwrap()[0].missing_stream);
    // An older process, whose definition has no stream, removes none.
    world.store.create_missing_tables(&[&WITHOUT_STREAM]).await.unwrap();
    assert!(!world.store.table_states(&tables).await.unwrap()[0].missing_stream);
}

#[tokio::test]
async fn two_processes_may_start_at_once() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let tables: [&'static TableDefinition; 1] = [&LATER];
    let (one, other) =
        tokio::join!(world.store.create_missing_tables(&tables), world.store.create_missing_tables(&tables));
    one.unwrap();
    other.unwrap();
}
