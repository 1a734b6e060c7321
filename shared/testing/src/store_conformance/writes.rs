//! Writes of one item.

use orderflow_store::{StoreError, Value};
use orderflow_store_port::{Assignment, Condition, WriteError};

use super::StoreUnderTest;
use super::ground::{Ground, code, delete, item, key, n, only_if, put, s, set, thing, update};

/// What is put is read back, replaced as a whole, and gone once it is deleted.
pub async fn an_item_is_put_read_and_deleted<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    assert_eq!(ground.thing("a").await, None);
    ground.put("a", [("color", s("red")), ("size", n(3))]).await;
    assert_eq!(ground.thing("a").await, Some(thing("a", [("color", s("red")), ("size", n(3))])));
    ground.put("a", [("shape", s("round"))]).await;
    assert_eq!(ground.thing("a").await, Some(thing("a", [("shape", s("round"))])));
    for _ in 0..2 {
        ground.write(delete(&ground.things, key("a"))).await.unwrap();
        assert_eq!(ground.thing("a").await, None);
    }
}

/// A write whose condition fails does nothing and returns the item that there is.
pub async fn a_failed_condition_returns_the_existing_item<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("size", n(3))]).await;
    let existing = thing("a", [("size", n(3))]);
    let writes = [
        only_if(put(&ground.things, thing("a", [])), Condition::Absent),
        only_if(
            update(&ground.things, key("a"), vec![set("size", n(9))]),
            Condition::Equals("size".to_owned(), n(4)),
        ),
        only_if(delete(&ground.things, key("a")), Condition::AtLeast("size".to_owned(), 4)),
    ];
    for write in writes {
        let failed = WriteError::ConditionFailed(Some(Box::new(existing.clone())));
        assert_eq!(ground.write(write).await, Err(failed));
    }
    assert_eq!(ground.thing("a").await, Some(existing));
    let absent = only_if(update(&ground.things, key("b"), vec![set("size", n(1))]), Condition::Present);
    assert_eq!(ground.write(absent).await, Err(WriteError::ConditionFailed(None)));
    assert_eq!(ground.thing("b").await, None);
}

/// Conditions compare with the stored item: numbers by value, other types by type and value, and missing attributes fulfil none.
pub async fn conditions_compare_what_is_stored<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("size", n("2.50")), ("name", s("3")), ("big", n("10"))]).await;
    let holds = [
        Condition::Present,
        Condition::Equals("size".to_owned(), n("2.5")),
        Condition::Equals("size".to_owned(), n("25e-1")),
        Condition::Equals("name".to_owned(), s("3")),
        Condition::AtLeast("size".to_owned(), 2),
        Condition::AtLeast("big".to_owned(), 9),
        Condition::AtLeast("big".to_owned(), 10),
        Condition::AtLeast("size".to_owned(), i64::MIN),
    ];
    let fails = [
        Condition::Absent,
        Condition::Equals("size".to_owned(), n("2.51")),
        Condition::Equals("size".to_owned(), s("2.5")),
        Condition::Equals("name".to_owned(), n("3")),
        Condition::Equals("nothing".to_owned(), s("")),
        Condition::AtLeast("size".to_owned(), 3),
        Condition::AtLeast("big".to_owned(), 11),
        Condition::AtLeast("name".to_owned(), 1),
        Condition::AtLeast("nothing".to_owned(), 0),
    ];
    for (conditions, expected) in [(holds.to_vec(), true), (fails.to_vec(), false)] {
        for condition in conditions {
            let write = update(&ground.things, key("a"), vec![set("seen", s("yes"))]);
            let result = ground.write(only_if(write, condition.clone())).await;
            assert_eq!(result.is_ok(), expected, "{condition:?}: {result:?}");
        }
    }
    let mut both = update(&ground.things, key("a"), vec![set("seen", s("no"))]);
    both.conditions = vec![Condition::Present, Condition::AtLeast("size".to_owned(), 3)];
    assert!(matches!(ground.write(both).await, Err(WriteError::ConditionFailed(Some(_)))));
}

/// An update creates the item if there is none, and leaves the other attributes alone.
pub async fn an_update_assigns_and_creates<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("color", s("red")), ("size", n(3)), ("old", s("x"))]).await;
    for id in ["a", "b"] {
        let assignments = vec![
            set("color", s("blue")),
            Assignment::Remove("old".to_owned()),
            Assignment::Remove("never".to_owned()),
            Assignment::IncrementFromZero("count".to_owned(), 2),
        ];
        ground.write(update(&ground.things, key(id), assignments)).await.unwrap();
    }
    let expected = thing("a", [("color", s("blue")), ("size", n(3)), ("count", n(2))]);
    assert_eq!(ground.thing("a").await, Some(expected));
    assert_eq!(ground.thing("b").await, Some(thing("b", [("color", s("blue")), ("count", n(2))])));
    ground.write(update(&ground.things, key("c"), vec![Assignment::Remove("x".to_owned())])).await.unwrap();
    assert_eq!(ground.thing("c").await, Some(thing("c", [])), "an update creates the item of its key");
}

/// Sums are decimal and exact, also beyond what a 64-bit number holds.
pub async fn numbers_are_added_exactly<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let cases = [
        ("0.1", 2, "2.1"),
        ("-0.5", 1, "0.5"),
        ("10", -10, "0"),
        ("9223372036854775807", 1, "9223372036854775808"),
        ("1e20", 1, "100000000000000000001"),
        ("99999999999999999999999999999999999999", -1, "99999999999999999999999999999999999998"),
    ];
    for (start, change, sum) in cases {
        ground.put("a", [("size", n(start))]).await;
        let increment = Assignment::Increment("size".to_owned(), change);
        ground.write(update(&ground.things, key("a"), vec![increment])).await.unwrap();
        assert_eq!(ground.thing("a").await.unwrap()["size"], n(sum), "{start} + {change}");
    }
}

/// An increment of what is no number is refused, and so is one of nothing unless it starts from zero.
pub async fn an_increment_needs_a_number<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("name", s("x"))]).await;
    let refused = [
        Assignment::Increment("name".to_owned(), 1),
        Assignment::IncrementFromZero("name".to_owned(), 1),
        Assignment::Increment("nothing".to_owned(), 1),
    ];
    for increment in refused {
        let result = ground.write(update(&ground.things, key("a"), vec![increment.clone()])).await;
        assert_eq!(code(&result), "ValidationException", "{increment:?}");
    }
    assert_eq!(ground.thing("a").await, Some(thing("a", [("name", s("x"))])));
}

/// Every type of value is returned as it was written.
pub async fn every_type_of_value_is_kept<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let map = Value::M(item([("inner", Value::L(vec![n(1), s(""), Value::Bool(false)])), ("ä", s("x"))]));
    let attributes = [
        ("text", s("Größe \u{1F600} \u{0} \"'\\\n")),
        ("empty", s("")),
        ("bytes", Value::B(vec![0, 159, 146, 150, 255])),
        ("no_bytes", Value::B(Vec::new())),
        ("yes", Value::Bool(true)),
        ("null", Value::Null(true)),
        ("list", Value::L(vec![map.clone(), Value::L(Vec::new())])),
        ("map", map),
        ("nothing", Value::M(item([]))),
        ("numbers", Value::Ns(vec!["7".to_owned()])),
        ("texts", Value::Ss(vec!["x".to_owned()])),
        ("blobs", Value::Bs(vec![vec![1, 2]])),
    ];
    ground.put("a", attributes.clone()).await;
    assert_eq!(ground.thing("a").await, Some(thing("a", attributes)));
}

/// Numbers are stored by value: their text is the shortest one.
pub async fn numbers_are_normalised<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let cases = [("007", "7"), ("1.50", "1.5"), ("-0", "0"), ("1e3", "1000"), ("0.0010", "0.001")];
    for (written, read) in cases {
        ground.put("a", [("size", n(written))]).await;
        assert_eq!(ground.thing("a").await.unwrap()["size"], n(read), "{written}");
    }
    let too_long = "1".repeat(39);
    for refused in ["", "x", "1x", "NaN", "1e126", "--1", &too_long] {
        let result = ground.write(put(&ground.things, thing("b", [("size", n(refused))]))).await;
        assert_eq!(code(&result), "ValidationException", "{refused}");
    }
}

/// A key is a text that is not empty, in the table and in its indexes.
pub async fn keys_that_are_no_keys_are_refused<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let long = "x".repeat(2_049);
    let things = &ground.things;
    let refused = [
        put(things, item([("name", s("x"))])),
        put(things, item([("id", n(1))])),
        put(things, key("")),
        put(things, key(&long)),
        put(things, thing("a", [("group", n(1)), ("at", s("1"))])),
        put(things, thing("a", [("group", s("")), ("at", s("1"))])),
        update(things, key("a"), vec![set("id", s("b"))]),
        update(things, key("a"), vec![set("group", s(""))]),
        update(things, key(""), vec![set("x", s("b"))]),
        update(things, item([("id", s("a")), ("more", s("a"))]), vec![set("x", s("b"))]),
        delete(things, item([("name", s("x"))])),
        put(&ground.shelves, item([("shelf", s("x"))])),
        delete(&ground.shelves, item([("shelf", s("x"))])),
    ];
    for write in refused {
        let operation = write.operation.clone();
        let result = ground.write(write).await;
        assert_eq!(code(&result), "ValidationException", "{operation:?}");
    }
    assert_eq!(ground.thing("a").await, None);
    // An item that has only one of the index's keys is not in the index, and is allowed.
    ground.put("a", [("group", s("x"))]).await;
}

/// An item has at most 400 KB, names of attributes included.
pub async fn an_item_above_400_kb_is_refused<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let sized = |bytes: usize| put(&ground.things, thing("a", [("text", s("x".repeat(bytes - 7)))]));
    ground.write(sized(400 * 1_024)).await.unwrap();
    assert_eq!(code(&ground.write(sized(400 * 1_024 + 1)).await), "ValidationException");
    let grow = update(&ground.things, key("a"), vec![set("more", s("x"))]);
    assert_eq!(code(&ground.write(grow).await), "ValidationException");
}

/// Of independent writes each succeeds or fails alone.
pub async fn independent_writes_have_outcomes_of_their_own<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let taken = [0_usize, 3, 99, 100, 149];
    for id in taken {
        ground.put(&id.to_string(), [("first", s("yes"))]).await;
    }
    let writes =
        (0..150).map(|id| only_if(put(&ground.things, thing(&id.to_string(), [])), Condition::Absent));
    let outcomes = ground.backend.write_each(&writes.collect::<Vec<_>>()).await;
    assert_eq!(outcomes.len(), 150);
    for (id, outcome) in outcomes.into_iter().enumerate() {
        let existing = thing(&id.to_string(), [("first", s("yes"))]);
        match taken.contains(&id) {
            true => assert_eq!(outcome, Err(WriteError::ConditionFailed(Some(Box::new(existing))))),
            false => assert_eq!(outcome, Ok(()), "{id}"),
        }
        assert!(ground.thing(&id.to_string()).await.is_some(), "{id}");
    }
    let broken = [put(&ground.things, key("")), put(&ground.things, key("fine"))];
    let outcomes = ground.backend.write_each(&broken).await;
    assert!(outcomes[0].is_err());
    assert!(ground.backend.write_each(&[]).await.is_empty());
}

/// A request to a table that does not exist is refused with the table's name.
pub async fn a_missing_table_is_named<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let missing = ground.table(&super::tables::LATER_CREATED);
    let written = ground.write(put(&missing, key("a"))).await;
    assert_eq!(code(&written), "ResourceNotFoundException");
    let read = ground.backend.get(&missing, key("a")).await;
    let Err(StoreError::Request { code, table, .. }) = read else { panic!("{read:?}") };
    assert_eq!((code.as_str(), &*table), ("ResourceNotFoundException", &*missing.name));
    assert!(ground.backend.open_stream(&missing.name, Vec::new()).await.is_err());
}
