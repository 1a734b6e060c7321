use orderflow_domain::EventType;
use orderflow_embedded::Fault;

use super::*;
use crate::testing::{Thing, World, number};
use crate::{IndependentWrites, WriteError};

async fn world_with(id: &str) -> World {
    let world = World::new(IndependentWrites::Concurrent).await;
    world.store.write(Write::put(&world.things, &Thing::new(id)).unwrap()).await.unwrap();
    world
}

fn existing(result: Result<(), WriteError>) -> Option<Item> {
    match result {
        Err(WriteError::ConditionFailed(item)) => item.map(|item| *item),
        other => panic!("the condition should have failed: {other:?}"),
    }
}

#[tokio::test]
async fn a_put_whose_condition_fails_returns_the_existing_item() {
    let world = world_with("a").await;
    let other = Thing { level: 99, ..Thing::new("a") };
    let put = Write::put(&world.things, &other).unwrap().if_absent();
    let found: Thing = world.things.parse(existing(world.store.write(put).await).unwrap()).unwrap();
    assert_eq!(found, Thing::new("a"));
    assert_eq!(world.thing("a").await, Some(Thing::new("a")));
}

#[tokio::test]
async fn an_update_whose_condition_fails_returns_the_existing_item_if_there_is_one() {
    let world = world_with("a").await;
    let update = |id: &str| Write::update(&world.things, world.key(id)).increment_existing("level", -11);
    let found = existing(world.store.write(update("a").if_at_least("level", 11)).await).unwrap();
    assert_eq!(found["level"], number(10));
    assert_eq!(existing(world.store.write(update("b").if_present()).await), None);
    world.store.write(update("a").if_version(1)).await.unwrap();
    assert_eq!(world.thing("a").await.unwrap().level, -1);
}

#[tokio::test]
async fn a_delete_whose_condition_fails_returns_the_existing_item() {
    let world = world_with("a").await;
    let delete = || Write::delete(&world.things, world.key("a"));
    let found = existing(world.store.write(delete().if_version(7)).await).unwrap();
    assert_eq!(found["version"], number(1));
    world.store.write(delete().if_version(1)).await.unwrap();
    assert_eq!(world.thing("a").await, None);
    // Deleting an item that does not exist succeeds.
    world.store.write(delete()).await.unwrap();
}

#[tokio::test]
async fn an_update_replaces_the_outbox_of_the_last_write() {
    let world = world_with("a").await;
    let update = || Write::update(&world.things, world.key("a"));
    let outbox = async || world.item("a").await.unwrap().remove(OUTBOX);

    world.store.write(update().emitting(&Outbox::of(EventType::OrderPlaced))).await.unwrap();
    assert_eq!(outbox().await, Some(string("order.placed")));
    world
        .store
        .write(update().increment_existing("level", 1).emitting(&Outbox::of(EventType::OrderRejected)))
        .await
        .unwrap();
    assert_eq!(outbox().await, Some(string("order.rejected")));
    world.store.write(update().increment_existing("level", 1)).await.unwrap();
    assert_eq!(outbox().await, None);

    world.store.write(update().emitting(&Outbox::of(EventType::OrderPlaced))).await.unwrap();
    world.store.write(update().emitting(&Outbox::default())).await.unwrap();
    assert_eq!(outbox().await, None, "an empty outbox removes the attribute");
    assert_eq!(world.thing("a").await.unwrap().level, 12);
}

#[tokio::test]
async fn a_put_without_events_removes_the_outbox_of_the_last_write() {
    let world = world_with("a").await;
    let put = || Write::put(&world.things, &Thing::new("a")).unwrap();
    world.store.write(put().emitting(&Outbox::of(EventType::StockAdjusted))).await.unwrap();
    assert_eq!(world.item("a").await.unwrap()[OUTBOX], string("stock.adjusted"));
    world.store.write(put()).await.unwrap();
    assert!(!world.item("a").await.unwrap().contains_key(OUTBOX));
}

#[tokio::test]
async fn counting_starts_at_zero() {
    let world = world_with("a").await;
    for id in ["a", "new"] {
        let count = || Write::update(&world.things, world.key(id)).increment("seen", 2).increment("level", 1);
        world.store.write(count()).await.unwrap();
        world.store.write(count()).await.unwrap();
    }
    let numbers = async |id| {
        let mut item = world.item(id).await.unwrap();
        ["seen", "level"].map(|attribute| item.remove(attribute).unwrap())
    };
    assert_eq!(numbers("a").await, [4, 12].map(number));
    assert_eq!(numbers("new").await, [4, 2].map(number));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_conflicts_with_a_transaction_is_repeated() {
    let world = world_with("a").await;
    let update = || Write::update(&world.things, world.key("a")).increment_existing("level", 1);
    world.fail_first("UpdateItem", 3, Fault::TransactionConflict);
    world.store.write(update()).await.unwrap();
    assert_eq!(world.thing("a").await.unwrap().level, 11);

    world.fail_first("UpdateItem", u32::MAX, Fault::TransactionConflict);
    let before = world.embedded.requests();
    assert!(world.store.write(update()).await.unwrap_err().is_conflict());
    assert_eq!(world.embedded.requests().since(&before).of("UpdateItem"), 9);
}

#[tokio::test]
async fn a_lost_answer_is_an_error_although_the_write_took_effect() {
    let world = world_with("a").await;
    world.fail_first("UpdateItem", 1, Fault::LostAnswer);
    let error =
        world.store.write(Write::update(&world.things, world.key("a")).increment_existing("level", 1)).await;
    let Err(WriteError::Store(StoreError::Request { operation, table, code, .. })) = error else {
        panic!("{error:?}")
    };
    assert_eq!((operation, table.as_str(), code.as_str()), ("UpdateItem", "test-things", "NoAnswer"));
    assert_eq!(world.thing("a").await.unwrap().level, 11);
}
