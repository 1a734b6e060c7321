use std::collections::BTreeSet;
use std::sync::Arc;

use orderflow_store_port::{
    Assignment, Backend, Cancellation, Change, Condition, Operation, StoreError, TransactError, Value, Write,
    WriteError,
};

use crate::support::{
    both, delete, get, item, key, n, of_color, open, put, put_new, records, shelves, text, thing, things,
    update,
};

fn code<E: Into<WriteError>>(error: E) -> String {
    match error.into() {
        WriteError::Store(StoreError::Request { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_failed_condition_has_the_existing_item_and_writes_nothing() {
    for (engine, _directory) in both().await {
        engine.write(&put(&things(), thing("a", "red", "1"))).await.unwrap();
        for condition in [
            Condition::Absent,
            Condition::Equals("color".to_owned(), text("blue")),
            Condition::Equals("missing".to_owned(), text("x")),
            Condition::AtLeast("size".to_owned(), 0),
        ] {
            let write = Write { conditions: vec![condition], ..put(&things(), key("a")) };
            let failed = WriteError::ConditionFailed(Some(Box::new(thing("a", "red", "1"))));
            assert_eq!(engine.write(&write).await, Err(failed));
        }
        let write = Write { conditions: vec![Condition::Present], ..put(&things(), key("b")) };
        assert_eq!(engine.write(&write).await, Err(WriteError::ConditionFailed(None)));
        assert_eq!(get(&engine, "b").await, None);
        let write =
            Write { conditions: vec![Condition::Equals("size".to_owned(), text("1"))], ..delete("a") };
        engine.write(&write).await.unwrap();
        assert_eq!(get(&engine, "a").await, None);
    }
}

#[tokio::test]
async fn numbers_are_compared_and_added_by_value() {
    for (engine, _directory) in both().await {
        engine.write(&put(&things(), item(&[("id", text("a")), ("n", n("1.0"))]))).await.unwrap();
        let conditions =
            vec![Condition::Equals("n".to_owned(), n("1")), Condition::AtLeast("n".to_owned(), 1)];
        let changes = vec![
            Assignment::Increment("n".to_owned(), 41),
            Assignment::IncrementFromZero("m".to_owned(), -5),
            Assignment::Set("s".to_owned(), Value::Ss(vec!["x".to_owned()])),
            Assignment::Remove("nothing".to_owned()),
        ];
        engine.write(&Write { conditions, ..update("a", changes) }).await.unwrap();
        let expected =
            [("id", text("a")), ("n", n(42)), ("m", n(-5)), ("s", Value::Ss(vec!["x".to_owned()]))];
        assert_eq!(get(&engine, "a").await, Some(item(&expected)));
        for refused in [
            Assignment::Increment("absent".to_owned(), 1),
            Assignment::Increment("s".to_owned(), 1),
            Assignment::IncrementFromZero("s".to_owned(), 1),
            Assignment::Set("id".to_owned(), text("b")),
            Assignment::Set("n".to_owned(), n("many")),
        ] {
            let error = engine.write(&update("a", vec![refused])).await.unwrap_err();
            assert_eq!(code(error), "ValidationException");
        }
        assert_eq!(get(&engine, "a").await, Some(item(&expected)));
    }
}

#[tokio::test]
async fn an_update_creates_the_item_and_a_delete_of_nothing_succeeds() {
    for (engine, _directory) in both().await {
        engine.write(&update("a", vec![Assignment::Set("x".to_owned(), n(1))])).await.unwrap();
        assert_eq!(get(&engine, "a").await, Some(item(&[("id", text("a")), ("x", n(1))])));
        engine.write(&delete("b")).await.unwrap();
        assert_eq!(records(&engine).await.len(), 1);
    }
}

#[tokio::test]
async fn a_cancelled_transaction_names_each_reason_and_writes_nothing() {
    for (engine, _directory) in both().await {
        engine.write(&put_new("b")).await.unwrap();
        let writes = [
            put_new("a"),
            put_new("b"),
            update("c", vec![Assignment::Increment("n".to_owned(), 1)]),
            put(&things(), item(&[("id", text("d")), ("color", n(1))])),
            put(&things(), item(&[("color", text("red"))])),
        ];
        let Err(TransactError::Cancelled(reasons)) = engine.transact(&writes).await else {
            panic!("not cancelled");
        };
        assert_eq!(
            reasons[..2],
            [Cancellation::None, Cancellation::ConditionFailed(Some(Box::new(key("b"))))]
        );
        for reason in &reasons[2..] {
            assert!(
                matches!(reason, Cancellation::Other { code, .. } if code == "ValidationError"),
                "{reason:?}"
            );
        }
        assert_eq!(reasons.len(), 5);
        assert_eq!(get(&engine, "a").await, None);
        engine.transact(&[put_new("a"), delete("b")]).await.unwrap();
        assert_eq!((get(&engine, "a").await, get(&engine, "b").await), (Some(key("a")), None));
    }
}

#[tokio::test]
async fn transactions_that_dynamodb_does_not_take_are_refused() {
    for (engine, _directory) in both().await {
        let many: Vec<Write> = (0..101).map(|id| put_new(&id.to_string())).collect();
        for writes in [&[][..], &many, &[put_new("a"), delete("a")], &[put_new("a"), delete("")]] {
            let Err(TransactError::Store(error)) = engine.transact(writes).await else { panic!("taken") };
            assert_eq!(code(error), "ValidationException");
        }
        engine.transact(&many[..100]).await.unwrap();
    }
}

#[tokio::test]
async fn independent_writes_have_an_outcome_each() {
    for (engine, _directory) in both().await {
        engine.write(&put_new("taken")).await.unwrap();
        let nowhere = orderflow_store_port::TableRef { name: "nowhere".into(), ..things() };
        let writes = [put_new("a"), put_new("taken"), put(&nowhere, key("x")), put_new("b")];
        let outcomes = engine.write_each(&writes).await;
        assert!(outcomes[0].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
        assert!(matches!(outcomes[1], Err(WriteError::ConditionFailed(Some(_)))), "{outcomes:?}");
        assert_eq!(code(outcomes[2].clone().unwrap_err()), "ResourceNotFoundException");
        assert!(get(&engine, "b").await.is_some());
    }
}

#[tokio::test]
async fn items_that_dynamodb_does_not_take_are_refused() {
    for (engine, _directory) in both().await {
        for refused in [
            item(&[("color", text("red"))]),
            item(&[("id", n(1))]),
            item(&[("id", text(""))]),
            item(&[("id", text("x".repeat(2_049)))]),
            item(&[("id", text("a")), ("color", n(1))]),
            item(&[("id", text("a")), ("size", text(""))]),
            item(&[("id", text("a")), ("x", text("x".repeat(400 * 1024)))]),
            item(&[("id", text("a")), ("x", Value::Null(false))]),
        ] {
            // Such an item is refused before a condition is looked at.
            let write = Write { conditions: vec![Condition::Present], ..put(&things(), refused) };
            assert_eq!(code(engine.write(&write).await.unwrap_err()), "ValidationException");
        }
        let mut long = key("a");
        long.insert("x".to_owned(), text("x".repeat(399 * 1024)));
        engine.write(&put(&things(), long.clone())).await.unwrap();
        let grows = vec![Assignment::Set("y".to_owned(), text("y".repeat(2_000)))];
        assert_eq!(code(engine.write(&update("a", grows)).await.unwrap_err()), "ValidationException");
        assert_eq!(get(&engine, "a").await, Some(long));
    }
}

#[tokio::test]
async fn indexes_follow_the_items() {
    for (engine, _directory) in both().await {
        for (id, color, size) in [("a", "red", "3"), ("b", "red", "1"), ("c", "blue", "2")] {
            engine.write(&put(&things(), thing(id, color, size))).await.unwrap();
        }
        assert_eq!(of_color(&engine, "red").await, ["b", "a"]);
        engine.write(&update("b", vec![Assignment::Set("color".to_owned(), text("blue"))])).await.unwrap();
        engine.write(&update("a", vec![Assignment::Remove("size".to_owned())])).await.unwrap();
        assert_eq!(of_color(&engine, "red").await, [""; 0]);
        assert_eq!(of_color(&engine, "blue").await, ["b", "c"]);
        engine.transact(&[delete("b"), put(&things(), thing("c", "red", "9"))]).await.unwrap();
        assert_eq!(
            (of_color(&engine, "blue").await, of_color(&engine, "red").await),
            (vec![], vec!["c".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_write_that_changes_nothing_leaves_no_record() {
    for (engine, _directory) in both().await {
        engine.write(&put(&things(), thing("a", "red", "1"))).await.unwrap();
        engine.write(&put(&things(), thing("a", "red", "1"))).await.unwrap();
        engine.write(&update("a", vec![Assignment::Remove("absent".to_owned())])).await.unwrap();
        engine.write(&delete("a")).await.unwrap();
        let changes: Vec<Change> = records(&engine).await.iter().map(|record| record.change).collect();
        assert_eq!(changes, [Change::Insert, Change::Remove]);
    }
}

/// Sixteen callers race for the same items: each item is created once, each increment is kept, and each answered write is read at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_have_their_own_outcomes_and_are_seen_when_answered() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    crate::support::create(&engine).await;
    engine.write(&put(&things(), item(&[("id", text("counter")), ("n", n(0))]))).await.unwrap();
    let engine = Arc::new(engine);
    let callers = (0..16).map(|caller| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let mut won = Vec::new();
            for round in 0..25 {
                let id = format!("round-{round}");
                match engine.write(&put_new(&id)).await {
                    Ok(()) => won.push(id.clone()),
                    Err(WriteError::ConditionFailed(Some(_))) => {}
                    Err(other) => panic!("{other:?}"),
                }
                assert!(get(&engine, &id).await.is_some());
                let own = format!("{caller}-{round}");
                let add = update("counter", vec![Assignment::Increment("n".to_owned(), 1)]);
                engine.transact(&[put_new(&own), add]).await.unwrap();
                assert!(get(&engine, &own).await.is_some());
            }
            won
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut won = Vec::new();
    for caller in callers {
        won.extend(caller.await.unwrap());
    }
    assert_eq!(won.len(), 25);
    assert_eq!(won.iter().collect::<BTreeSet<_>>().len(), 25);
    assert_eq!(get(&engine, "counter").await.unwrap()["n"], n(16 * 25));
}

/// DynamoDB refuses a transaction with an empty key as a whole, and cancels one with a key of another type, with a reason for each write.
#[tokio::test]
async fn an_empty_key_refuses_a_transaction_and_a_key_of_another_type_cancels_it() {
    for (engine, _directory) in both().await {
        let of_things = |operation| Write { table: things(), operation, conditions: Vec::new() };
        let empty = [
            put(&things(), key("")),
            put(&things(), thing("a", "", "1")),
            put(&shelves(), item(&[("shelf", text("a")), ("place", text(""))])),
            update("a", vec![Assignment::Set("color".to_owned(), text(""))]),
            update("", vec![Assignment::Set("x".to_owned(), text("1"))]),
            delete(""),
        ];
        for write in empty {
            let refused = engine.transact(&[put_new("b"), write.clone()]).await;
            assert!(
                matches!(&refused, Err(TransactError::Store(StoreError::Request { code, .. })) if code == "ValidationException"),
                "{write:?}: {refused:?}"
            );
        }
        let of_another_type = [
            put(&things(), item(&[("id", n(1))])),
            put(&things(), item(&[("id", text("a")), ("color", n(1)), ("size", text("1"))])),
            update("a", vec![Assignment::Set("color".to_owned(), n(1))]),
            of_things(Operation::Delete { key: item(&[("id", n(1))]) }),
            of_things(Operation::Update {
                key: item(&[("shelf", text("a"))]),
                assignments: vec![Assignment::Set("x".to_owned(), n(1))],
            }),
        ];
        for write in of_another_type {
            let cancelled = engine.transact(&[put_new("b"), write.clone()]).await;
            let Err(TransactError::Cancelled(reasons)) = &cancelled else {
                panic!("{write:?}: {cancelled:?}")
            };
            assert!(
                matches!(&reasons[..], [Cancellation::None, Cancellation::Other { code, .. }] if code == "ValidationError"),
                "{write:?}: {reasons:?}"
            );
        }
        assert_eq!(get(&engine, "b").await, None);
    }
}
