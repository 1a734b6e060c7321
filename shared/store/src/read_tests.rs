#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use super::*;
use crate::testing::{Thing, World};
use crate::{IndependentWrites, Write};

#[tokio::test]
async fn any_number_of_keys_is_read_in_batches() {
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
async fn a_key_asked_for_twice_is_an_error() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let result = world.things.get_all::<Thing>(vec![world.key("a"), world.key("a")]).await;
    let Err(StoreError::Request { code, .. }) = result else { panic!("{result:?}") };
    assert_eq!(code, "ValidationException");
}

#[tokio::test]
async fn an_item_of_another_shape_is_named_as_such() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world
        .store
        .write(Write::update(&world.things, world.key("a")).set("level", crate::string("high")))
        .await
        .unwrap();
    let result = world.things.get::<Thing>(world.key("a")).await;
    assert!(matches!(&result, Err(StoreError::Shape { table, .. }) if table == "test-things"), "{result:?}");
}
