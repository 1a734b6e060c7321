//! Reads of several items.

use std::collections::BTreeSet;

use orderflow_store::{Item, StoreError, Value, text};
use orderflow_store_port::{KeyRange, Query};

use super::StoreUnderTest;
use super::ground::{Ground, THINGS, delete, item, key, n, place, put, s, set, thing, update};

/// Returns one attribute of each item.
fn texts(items: &[Item], attribute: &str) -> Vec<String> {
    items.iter().map(|item| text(item, attribute).unwrap_or_default().to_owned()).collect()
}

async fn fill_shelf<S: StoreUnderTest>(ground: &Ground<S>, shelf: &str, places: &[&str]) {
    let puts: Vec<_> = places.iter().map(|at| put(&ground.shelves, place(shelf, at))).collect();
    assert!(ground.backend.write_each(&puts).await.iter().all(Result::is_ok));
}

/// Any number of keys is read in one call, and keys without item are left out.
pub async fn many_keys_are_read_at_once<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let puts: Vec<_> =
        (0..240).step_by(2).map(|id| put(&ground.things, thing(&id.to_string(), []))).collect();
    assert!(ground.backend.write_each(&puts).await.iter().all(Result::is_ok));
    let keys = (0..240).map(|id| key(&id.to_string())).collect();
    let found = ground.backend.get_batch(&ground.things, keys).await.unwrap();
    let found: BTreeSet<String> = texts(&found, "id").into_iter().collect();
    assert_eq!(found, (0..240).step_by(2).map(|id| id.to_string()).collect());
    assert!(ground.backend.get_batch(&ground.things, Vec::new()).await.unwrap().is_empty());
    let twice = ground.backend.get_batch(&ground.things, vec![key("0"), key("0")]).await;
    let Err(StoreError::Request { code, .. }) = &twice else { panic!("{twice:?}") };
    assert_eq!(code, "ValidationException");
}

/// Range keys are ordered by their UTF-8 bytes.
pub async fn range_keys_are_in_the_order_of_their_bytes<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let ordered = ["\u{1}", "!", "0", "00", "A", "B", "a", "aa", "b", "~", "é", "\u{FFFD}", "\u{1F600}"];
    let mut mixed = ordered;
    mixed.rotate_left(5);
    mixed.swap(1, 9);
    fill_shelf(&ground, "x", &mixed).await;
    let mut query = Query::new(&ground.shelves, "x");
    assert_eq!(texts(&ground.all(query.clone()).await, "place"), ordered);
    query.descending = true;
    let mut backwards = texts(&ground.all(query).await, "place");
    backwards.reverse();
    assert_eq!(backwards, ordered);
}

/// Bounds of a range are excluded by "after" and "before", and included by "between".
pub async fn a_range_of_keys_is_read<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    fill_shelf(&ground, "x", &["1", "2", "3", "4", "5"]).await;
    fill_shelf(&ground, "x\u{0}", &["3"]).await;
    fill_shelf(&ground, "y", &["3"]).await;
    let owned = |text: &str| text.to_owned();
    let cases: [(KeyRange, &[&str]); 7] = [
        (KeyRange::All, &["1", "2", "3", "4", "5"]),
        (KeyRange::After(owned("3")), &["4", "5"]),
        (KeyRange::After(owned("35")), &["4", "5"]),
        (KeyRange::After(owned("5")), &[]),
        (KeyRange::Before(owned("3")), &["1", "2"]),
        (KeyRange::Between(owned("2"), owned("4")), &["2", "3", "4"]),
        (KeyRange::Between(owned("21"), owned("29")), &[]),
    ];
    for (range, expected) in cases {
        let query = Query { range: range.clone(), ..Query::new(&ground.shelves, "x") };
        assert_eq!(texts(&ground.all(query.clone()).await, "place"), expected, "{range:?}");
        let mut backwards = texts(&ground.all(Query { descending: true, ..query }).await, "place");
        backwards.reverse();
        assert_eq!(backwards, expected, "{range:?}, descending");
    }
    assert!(ground.all(Query::new(&ground.shelves, "nowhere")).await.is_empty());
}

/// Pages of a limited query follow each other without gap or overlap, in both directions.
pub async fn pages_follow_each_other<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let places: Vec<String> = (10..33).map(|number| number.to_string()).collect();
    fill_shelf(&ground, "x", &places.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for descending in [false, true] {
        let range = KeyRange::After("10".to_owned());
        let mut query = Query { range, descending, limit: Some(5), ..Query::new(&ground.shelves, "x") };
        let mut found = Vec::new();
        loop {
            let page = ground.backend.query(query.clone()).await.unwrap();
            assert!(page.items.len() <= 5);
            found.extend(texts(&page.items, "place"));
            query.start_after = page.next;
            if query.start_after.is_none() {
                break;
            }
        }
        if descending {
            found.reverse();
        }
        assert_eq!(found, places[1..]);
    }
}

/// A page holds about 1 MB, and the pages together every item once.
pub async fn large_results_come_in_pages<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let large = |number: usize| {
        let mut item = place("x", &format!("{number:03}"));
        item.insert("text".to_owned(), s("x".repeat(50_000)));
        put(&ground.shelves, item)
    };
    let puts: Vec<_> = (0..60).map(large).collect();
    assert!(ground.backend.write_each(&puts).await.iter().all(Result::is_ok));
    let first = ground.backend.query(Query::new(&ground.shelves, "x")).await.unwrap();
    assert!((15..=25).contains(&first.items.len()) && first.next.is_some(), "{}", first.items.len());
    let all = texts(&ground.all(Query::new(&ground.shelves, "x")).await, "place");
    assert_eq!(all, (0..60).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    let (mut scanned, mut pages, mut from) = (BTreeSet::new(), 0, None);
    loop {
        let page = ground.backend.scan(&ground.shelves, from).await.unwrap();
        scanned.extend(texts(&page.items, "place"));
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((scanned.len(), pages > 2), (60, true));
}

/// An index lists the items that have both of its keys, by their present values, and only with keys.
pub async fn an_index_follows_its_items<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let listed = |group: &str| Query { index: Some(&THINGS.indexes[0]), ..Query::new(&ground.things, group) };
    ground.put("a", [("group", s("x")), ("at", s("2")), ("size", n(1))]).await;
    ground.put("b", [("group", s("x")), ("at", s("1"))]).await;
    ground.put("c", [("group", s("x"))]).await;
    ground.put("d", [("at", s("3"))]).await;
    let entry = |id: &str, at: &str| item([("id", s(id)), ("group", s("x")), ("at", s(at))]);
    assert_eq!(ground.all(listed("x")).await, [entry("b", "1"), entry("a", "2")]);
    ground.write(update(&ground.things, key("b"), vec![set("at", s("3"))])).await.unwrap();
    assert_eq!(ground.all(listed("x")).await, [entry("a", "2"), entry("b", "3")]);
    ground.write(update(&ground.things, key("a"), vec![set("group", s("y"))])).await.unwrap();
    let leave = orderflow_store_port::Assignment::Remove("group".to_owned());
    ground.write(update(&ground.things, key("b"), vec![leave])).await.unwrap();
    assert!(ground.all(listed("x")).await.is_empty());
    assert_eq!(texts(&ground.all(listed("y")).await, "id"), ["a"]);
    ground.write(delete(&ground.things, key("a"))).await.unwrap();
    assert!(ground.all(listed("y")).await.is_empty());
}

/// Items with equal keys in an index are all listed, also when they are on different pages.
pub async fn equal_keys_of_an_index_are_all_listed<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    for id in ["a", "b", "c", "d", "e"] {
        ground.put(id, [("group", s("x")), ("at", s("same"))]).await;
    }
    ground.put("f", [("group", s("x")), ("at", s("later"))]).await;
    for descending in [false, true] {
        let query = Query {
            index: Some(&THINGS.indexes[0]),
            limit: Some(2),
            descending,
            ..Query::new(&ground.things, "x")
        };
        let found = texts(&ground.all(query).await, "id");
        assert_eq!(found.len(), 6, "{found:?}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 6, "{found:?}");
        assert_eq!(found.iter().position(|id| id == "f"), Some(if descending { 5 } else { 0 }));
    }
}

/// A projection leaves one attribute of each item, and nothing of an item that lacks it.
pub async fn a_projection_reduces_items<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let mut item_1 = place("x", "1");
    item_1.insert("code".to_owned(), s("late"));
    item_1.insert("more".to_owned(), Value::Bool(true));
    for item in [item_1, place("x", "2")] {
        ground.write(put(&ground.shelves, item)).await.unwrap();
    }
    let query = Query { projection: Some("code".to_owned()), ..Query::new(&ground.shelves, "x") };
    assert_eq!(ground.all(query).await, [item([("code", s("late"))]), item([])]);
}
