use std::collections::BTreeSet;

use super::*;
use crate::testing::{SHELVES, Thing, World};
use crate::{IndependentWrites, Write};

#[tokio::test]
async fn keys_are_read_in_batches_of_100() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let ids: Vec<String> = (0..250).map(|n| format!("t{n}")).collect();
    let puts = ids.iter().step_by(2).map(|id| Write::put(&world.things, &Thing::new(id)).unwrap());
    assert!(world.store.write_each(puts.collect()).await.iter().all(Result::is_ok));
    let before = world.embedded.requests();
    let keys = ids.iter().map(|id| world.key(id)).collect();
    let found: Vec<Thing> = world.things.get_all(keys).await.unwrap();
    let found: BTreeSet<_> = found.into_iter().map(|thing| thing.id).collect();
    assert_eq!(found, ids.iter().step_by(2).cloned().collect());
    assert_eq!(world.embedded.requests().since(&before).of("BatchGetItem"), 3);
    assert!(world.things.get_all::<Thing>(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_key_twice_is_an_error() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let result = world.things.get_all::<Thing>(vec![world.key("a"), world.key("a")]).await;
    let Err(StoreError::Request { code, .. }) = result else { panic!("{result:?}") };
    assert_eq!(code, "ValidationException");
}

#[tokio::test]
async fn an_item_of_another_shape_is_a_shape_error() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world
        .store
        .write(Write::update(&world.things, world.key("a")).set("level", crate::string("high")))
        .await
        .unwrap();
    let result = world.things.get::<Thing>(world.key("a")).await;
    assert!(matches!(&result, Err(StoreError::Shape { table, .. }) if table == "test-things"), "{result:?}");
}

#[tokio::test]
async fn a_range_includes_both_ends_and_is_ordered() {
    #[derive(serde::Deserialize)]
    struct Placed {
        place: String,
    }
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.store.create_missing_tables(&[&SHELVES]).await.unwrap();
    let shelves = world.store.table(&SHELVES);
    for (shelf, place) in [("x", "3"), ("x", "1"), ("x", "2"), ("x", "4"), ("y", "2")] {
        let put = Write::update(&shelves, shelves.key_with_range(shelf, place));
        world.store.write(put.increment("things", 1)).await.unwrap();
    }
    let range = |shelf, range| {
        let shelves = shelves.clone();
        async move {
            let found: Vec<Placed> = shelves.get_range(shelf, range).await.unwrap();
            found.into_iter().map(|placed| placed.place).collect::<Vec<_>>()
        }
    };
    assert_eq!(range("x", "2"..="3").await, ["2", "3"]);
    assert_eq!(range("y", "1"..="9").await, ["2"]);
    assert!(range("z", "1"..="9").await.is_empty());
}

#[tokio::test]
async fn a_scan_returns_every_item() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    // The items do not fit into one page of 1 MB.
    let thing = |n: usize| Thing { group: "x".repeat(10_000), ..Thing::new(&format!("t{n}")) };
    let puts = (0..150).map(|n| Write::put(&world.things, &thing(n)).unwrap());
    assert!(world.store.write_each(puts.collect()).await.iter().all(Result::is_ok));
    let (mut ids, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let (items, next) = world.things.scan(from).await.unwrap();
        ids.extend(items.into_iter().map(|item| item["id"].clone()));
        pages += 1;
        from = next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 150);
    assert!(pages > 1);
}
