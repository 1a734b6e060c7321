use std::sync::Arc;

use orderflow_embedded::Fault;
use proptest::prelude::*;

use super::*;
use crate::testing::{Thing, World};
use crate::{IndependentWrites, StoreError};

const BOTH: [IndependentWrites; 2] = [IndependentWrites::Concurrent, IndependentWrites::OneTransaction];

fn put(world: &World, n: usize) -> Write {
    Write::put(&world.things, &Thing::new(&format!("t{n}"))).unwrap().if_absent()
}

fn codes(codes: &[&str]) -> Fault {
    Fault::TransactionCanceled(codes.iter().map(|code| (*code).to_owned()).collect())
}

fn code(outcome: &Result<(), WriteError>) -> &str {
    match outcome {
        Err(WriteError::Store(StoreError::Request { code, .. })) => code,
        other => panic!("{other:?}"),
    }
}

/// Writes `count` items, of which those in `taken` exist already, and checks the outcome of each.
async fn write_around(mode: IndependentWrites, count: usize, taken: &[usize]) -> World {
    let world = World::new(mode).await;
    for n in taken {
        world.store.write(put(&world, *n)).await.unwrap();
    }
    let outcomes = world.store.write_each((0..count).map(|n| put(&world, n)).collect()).await;
    assert_eq!(outcomes.len(), count);
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(()) => assert!(!taken.contains(&n), "{mode:?}: {n}"),
            Err(WriteError::ConditionFailed(Some(item))) => {
                assert!(taken.contains(&n), "{mode:?}: {n}");
                assert_eq!(item["id"], crate::string(format!("t{n}")));
            }
            other => panic!("{mode:?}: {n}: {other:?}"),
        }
        assert!(world.thing(&format!("t{n}")).await.is_some(), "{mode:?}: {n}");
    }
    world
}

#[tokio::test]
async fn failed_conditions_do_not_affect_other_writes_in_either_mode() {
    for mode in BOTH {
        write_around(mode, 5, &[0, 3]).await;
        write_around(mode, 3, &[0, 1, 2]).await;
        write_around(mode, 1, &[0]).await;
        write_around(mode, 0, &[]).await;
        write_around(mode, 230, &[0, 99, 100, 229]).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn both_modes_give_each_write_its_own_outcome(taken in proptest::collection::btree_set(0_usize..12, 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let taken: Vec<usize> = taken.into_iter().collect();
        for mode in BOTH {
            runtime.block_on(write_around(mode, 12, &taken));
        }
    }
}

#[tokio::test]
async fn one_transaction_is_one_request() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let before = world.embedded.requests();
    let outcomes = world.store.write_each((0..100).map(|n| put(&world, n)).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let requests = world.embedded.requests().since(&before);
    assert_eq!((requests.total(), requests.of("TransactWriteItems")), (1, 1));
}

#[tokio::test]
async fn one_write_needs_no_transaction() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    let before = world.embedded.requests();
    assert!(world.store.write_each(vec![put(&world, 0)]).await[0].is_ok());
    let requests = world.embedded.requests().since(&before);
    assert_eq!((requests.total(), requests.of("PutItem")), (1, 1));
}

#[tokio::test]
async fn concurrent_writes_are_a_request_each() {
    let world = World::new(IndependentWrites::Concurrent).await;
    let before = world.embedded.requests();
    world.store.write_each((0..40).map(|n| put(&world, n)).collect()).await;
    let requests = world.embedded.requests().since(&before);
    assert_eq!((requests.total(), requests.of("PutItem")), (40, 40));
}

#[tokio::test]
async fn a_transaction_cancelled_without_reasons_is_not_repeated() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    for reasons in [codes(&["None", "None", "None"]), codes(&[])] {
        world.fail_first("TransactWriteItems", u32::MAX, reasons);
        let outcomes = world.store.write_each((0..3).map(|n| put(&world, n)).collect()).await;
        assert!(outcomes.iter().all(|outcome| code(outcome) == "TransactionCanceled"), "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_beside_a_failed_write_goes_into_the_next_round() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.fail_first("TransactWriteItems", 1, codes(&["TransactionConflict", "ThrottlingError", "None"]));
    let outcomes = world.store.write_each((0..3).map(|n| put(&world, n)).collect()).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(code(&outcomes[1]), "ThrottlingError");
}

#[tokio::test(start_paused = true)]
async fn a_lasting_conflict_fails_only_its_own_write() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    // Another request holds the item `t1` in every round.
    world.embedded.inject(Arc::new(|operation: &str, body: &serde_json::Value| match operation {
        "TransactWriteItems" if body["TransactItems"][1]["Put"]["Item"]["id"]["S"] == "t1" => {
            Some(codes(&["None", "TransactionConflict", "None"]))
        }
        "PutItem" if body["Item"]["id"]["S"] == "t1" => Some(Fault::TransactionConflict),
        _ => None,
    }));
    let outcomes = world.store.write_each((0..3).map(|n| put(&world, n)).collect()).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert!(outcomes[1].as_ref().is_err_and(WriteError::is_conflict), "{outcomes:?}");
}

#[tokio::test]
async fn a_failed_request_fails_only_its_own_writes() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    world.fail_first("TransactWriteItems", 1, Fault::InternalServerError);
    let outcomes = world.store.write_each((0..150).map(|n| put(&world, n)).collect()).await;
    assert!(outcomes[..100].iter().all(Result::is_err));
    assert!(outcomes[100..].iter().all(Result::is_ok));
}
