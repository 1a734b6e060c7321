use orderflow_embedded::Fault;

use super::*;
use crate::contention::CONFLICT_RETRIES;
use crate::testing::{Thing, World};
use crate::{IndependentWrites, MAX_TRANSACTION_ACTIONS, StoreError};

async fn world() -> World {
    World::new(IndependentWrites::Concurrent).await
}

fn puts(world: &World, count: usize) -> Vec<Write> {
    (0..count)
        .map(|n| Write::put(&world.things, &Thing::new(&format!("t{n}"))).unwrap().if_absent())
        .collect()
}

fn codes(codes: &[&str]) -> Fault {
    Fault::TransactionCanceled(codes.iter().map(|code| (*code).to_owned()).collect())
}

#[tokio::test]
async fn cancellations_are_typed_and_in_the_order_of_the_writes() {
    let world = world().await;
    world.store.write(Write::put(&world.things, &Thing::new("t1")).unwrap()).await.unwrap();
    let mut writes = puts(&world, 2);
    writes.push(Write::update(&world.things, world.key("t2")).increment_existing("level", 1).if_present());
    writes.push(Write::delete(&world.things, world.key("t1x")).if_present());
    let Err(TransactError::Cancelled(reasons)) = world.store.transact(writes).await else {
        panic!("it should have been cancelled")
    };
    let [Cancellation::None, Cancellation::ConditionFailed(Some(item)), second, third] = &reasons[..] else {
        panic!("{reasons:?}")
    };
    assert_eq!(world.things.parse::<Thing>((**item).clone()).unwrap(), Thing::new("t1"));
    assert!(matches!(second, Cancellation::ConditionFailed(None)), "{second:?}");
    assert!(matches!(third, Cancellation::ConditionFailed(None)), "{third:?}");
    assert_eq!(world.thing("t0").await, None, "none of the writes happened");
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_retried() {
    let world = world().await;
    world.fail_first("TransactWriteItems", CONFLICT_RETRIES, codes(&["TransactionConflict", "None"]));
    world.store.transact(puts(&world, 2)).await.unwrap();
    assert!(world.thing("t1").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn conflicts_that_do_not_end_are_reported() {
    let world = world().await;
    world.fail_first("TransactWriteItems", u32::MAX, codes(&["None", "TransactionConflict"]));
    let before = world.embedded.requests();
    let result = world.store.transact(puts(&world, 2)).await;
    let Err(TransactError::Cancelled(reasons)) = result else { panic!("{result:?}") };
    assert!(matches!(reasons[..], [Cancellation::None, Cancellation::Conflict]), "{reasons:?}");
    let requests = world.embedded.requests().since(&before).of("TransactWriteItems");
    assert_eq!(requests, u64::from(CONFLICT_RETRIES) + 1);
}

#[tokio::test]
async fn a_cancellation_with_another_reason_is_not_repeated() {
    let world = world().await;
    world.fail_first("TransactWriteItems", u32::MAX, codes(&["ThrottlingError", "TransactionConflict"]));
    let before = world.embedded.requests();
    let result = world.store.transact(puts(&world, 2)).await;
    let Err(TransactError::Cancelled(reasons)) = result else { panic!("{result:?}") };
    let [Cancellation::Other { code, message }, Cancellation::Conflict] = &reasons[..] else {
        panic!("{reasons:?}")
    };
    assert_eq!((code.as_str(), message.as_str()), ("ThrottlingError", "ThrottlingError was injected"));
    assert_eq!(world.embedded.requests().since(&before).of("TransactWriteItems"), 1);
}

#[tokio::test]
async fn a_lost_answer_is_a_store_error_although_the_transaction_took_effect() {
    let world = world().await;
    world.fail_first("TransactWriteItems", 1, Fault::LostAnswer);
    let result = world.store.transact(puts(&world, 2)).await;
    let Err(TransactError::Store(StoreError::Request { code, table, .. })) = result else {
        panic!("{result:?}")
    };
    assert_eq!((code.as_str(), table.as_str()), ("NoAnswer", "test-things"));
    assert!(world.thing("t1").await.is_some());
}

#[tokio::test]
async fn a_hundred_writes_fit_and_one_more_does_not() {
    let world = world().await;
    let result = world.store.transact(puts(&world, MAX_TRANSACTION_ACTIONS + 1)).await;
    assert!(matches!(result, Err(TransactError::Store(_))), "{result:?}");
    assert_eq!(world.thing("t0").await, None);
    world.store.transact(puts(&world, MAX_TRANSACTION_ACTIONS)).await.unwrap();
    assert!(world.thing("t99").await.is_some());
}
