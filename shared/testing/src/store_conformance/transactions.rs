//! Writes that take effect together or not at all.

use std::sync::Arc;

use orderflow_store::{Store, TransactError, Write as StoreWrite};
use orderflow_store_port::{Assignment, Cancellation, Condition, StoreError};

use super::StoreUnderTest;
use super::ground::{Ground, SHELVES, delete, key, n, only_if, place, put, s, set, thing, update};

/// All writes of a transaction are seen together, and none of one that is cancelled.
pub async fn all_writes_happen_or_none<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("old", []).await;
    let writes = vec![
        only_if(put(&ground.things, thing("a", [])), Condition::Absent),
        put(&ground.shelves, place("x", "1")),
        delete(&ground.things, key("old")),
        update(&ground.things, key("b"), vec![set("size", n(1))]),
    ];
    ground.backend.transact(&writes).await.unwrap();
    assert!(ground.thing("a").await.is_some() && ground.thing("b").await.is_some());
    assert!(ground.thing("old").await.is_none());
    assert!(ground.backend.get(&ground.shelves, place("x", "1")).await.unwrap().is_some());

    let again = [put(&ground.things, thing("c", [])), writes[0].clone()];
    assert!(ground.backend.transact(&again).await.is_err());
    assert!(ground.thing("c").await.is_none());
}

/// A cancelled transaction has a reason for each write, in the order of the writes.
pub async fn each_write_has_its_reason<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("name", s("x"))]).await;
    let writes = [
        put(&ground.things, thing("new", [])),
        only_if(put(&ground.things, thing("a", [])), Condition::Absent),
        only_if(delete(&ground.things, key("b")), Condition::Present),
    ];
    let existing = thing("a", [("name", s("x"))]);
    assert_eq!(
        ground.backend.transact(&writes).await,
        Err(TransactError::Cancelled(vec![
            Cancellation::None,
            Cancellation::ConditionFailed(Some(Box::new(existing))),
            Cancellation::ConditionFailed(None),
        ]))
    );
    let increment = Assignment::Increment("name".to_owned(), 1);
    let writes = [update(&ground.things, key("a"), vec![increment]), put(&ground.things, thing("new", []))];
    match ground.backend.transact(&writes).await {
        Err(TransactError::Cancelled(reasons)) => {
            let [Cancellation::Other { code, .. }, Cancellation::None] = &reasons[..] else {
                panic!("{reasons:?}")
            };
            assert_eq!(code, "ValidationError");
        }
        other => panic!("{other:?}"),
    }
    assert!(ground.thing("new").await.is_none());
}

/// A transaction writes an item at most once.
pub async fn an_item_is_written_once<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let writes = [put(&ground.things, thing("a", [])), delete(&ground.things, key("a"))];
    let result = ground.backend.transact(&writes).await;
    let Err(TransactError::Store(StoreError::Request { code, .. })) = &result else { panic!("{result:?}") };
    assert_eq!(code, "ValidationException");
    assert!(ground.thing("a").await.is_none());
}

/// A transaction takes a hundred writes.
pub async fn a_hundred_writes_are_the_most<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let puts = |count: usize| -> Vec<_> {
        (0..count).map(|id| put(&ground.things, thing(&id.to_string(), []))).collect()
    };
    let result = ground.backend.transact(&puts(101)).await;
    assert!(matches!(result, Err(TransactError::Store(_))), "{result:?}");
    assert!(ground.thing("0").await.is_none());
    ground.backend.transact(&puts(100)).await.unwrap();
    assert!(ground.thing("0").await.is_some() && ground.thing("99").await.is_some());
}

/// Transactions of several tasks over the same items take effect one after the other.
pub async fn concurrent_transactions_lose_nothing<S: StoreUnderTest>() {
    const TASKS: usize = 4;
    const EACH: usize = 10;
    let ground = Ground::<S>::open().await;
    let (prefix, _) = ground.things.name.rsplit_once('-').unwrap();
    let store = Store::new(Arc::clone(&ground.backend), prefix);
    let tasks = (0..TASKS).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let (things, shelves) = (store.table(&super::ground::THINGS), store.table(&SHELVES));
            for step in 0..EACH {
                let sum = StoreWrite::update(&things, things.key("sum")).increment("n", 1);
                let own = things.key(format!("{task}"));
                let own = StoreWrite::update(&things, own).increment("n", 1);
                let entry = shelves.key_with_range("log", format!("{task}-{step}"));
                let entry = StoreWrite::update(&shelves, entry).if_absent();
                while let Err(error) = store.transact(vec![sum.clone(), own.clone(), entry.clone()]).await {
                    assert!(matches!(error, TransactError::Cancelled(_)), "{error:?}");
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(ground.thing("sum").await.unwrap()["n"], n(TASKS * EACH));
    let log = ground.all(orderflow_store_port::Query::new(&ground.shelves, "log")).await;
    assert_eq!(log.len(), TASKS * EACH);
}
