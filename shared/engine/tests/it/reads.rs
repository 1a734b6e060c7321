use orderflow_engine::Engine;
use orderflow_store_port::{Backend, Item, KeyRange, Page, Query, StoreError};

use crate::support::{BY_COLOR, as_text, both, item, key, put, shelves, text, thing, things};

async fn fill(engine: &Engine) {
    for place in ["1", "2", "3", "30", "4"] {
        engine.write(&put(&shelves(), on_shelf("A", place))).await.unwrap();
    }
    engine.write(&put(&shelves(), on_shelf("B", "9"))).await.unwrap();
}

fn on_shelf(shelf: &str, place: &str) -> Item {
    item(&[("shelf", text(shelf)), ("place", text(place)), ("what", text(format!("book {place}")))])
}

fn places(page: &Page) -> Vec<String> {
    page.items.iter().map(|item| as_text(&item["place"])).collect()
}

#[tokio::test]
async fn a_query_reads_a_range_in_either_direction() {
    for (engine, _directory) in both().await {
        fill(&engine).await;
        let (two, three) = ("2".to_owned(), "3".to_owned());
        for (range, expected) in [
            (KeyRange::All, vec!["1", "2", "3", "30", "4"]),
            (KeyRange::After(two.clone()), vec!["3", "30", "4"]),
            (KeyRange::Before(three.clone()), vec!["1", "2"]),
            (KeyRange::Between(two, three), vec!["2", "3"]),
            (KeyRange::After("\u{10FFFF}".to_owned()), vec![]),
        ] {
            let query = Query { range, ..Query::new(&shelves(), "A") };
            let page = engine.query(query.clone()).await.unwrap();
            assert_eq!(
                (places(&page), &page.next),
                (expected.iter().map(|p| (*p).to_owned()).collect(), &None)
            );
            let page = engine.query(Query { descending: true, ..query }).await.unwrap();
            assert_eq!(places(&page), expected.into_iter().rev().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn pages_continue_where_the_one_before_ended() {
    for (engine, _directory) in both().await {
        fill(&engine).await;
        for descending in [false, true] {
            let (mut found, mut start_after) = (Vec::new(), None);
            loop {
                let query = Query { limit: Some(2), descending, start_after, ..Query::new(&shelves(), "A") };
                let page = engine.query(query).await.unwrap();
                assert!(page.items.len() <= 2);
                found.extend(places(&page));
                start_after = page.next;
                if start_after.is_none() {
                    break;
                }
            }
            if descending {
                found.reverse();
            }
            assert_eq!(found, ["1", "2", "3", "30", "4"]);
        }
    }
}

#[tokio::test]
async fn an_index_returns_keys_in_pages_also_where_they_are_equal() {
    for (engine, _directory) in both().await {
        for id in ["a", "b", "c", "d"] {
            engine.write(&put(&things(), thing(id, "red", "5"))).await.unwrap();
        }
        let (mut found, mut start_after) = (Vec::new(), None);
        loop {
            let query =
                Query { index: Some(&BY_COLOR), limit: Some(1), start_after, ..Query::new(&things(), "red") };
            let page = engine.query(query).await.unwrap();
            found.extend(page.items);
            start_after = page.next;
            if start_after.is_none() {
                break;
            }
        }
        let expected: Vec<Item> = ["a", "b", "c", "d"].map(|id| thing(id, "red", "5")).into();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    for (engine, _directory) in both().await {
        for place in 0..5 {
            let mut large = on_shelf("A", &place.to_string());
            large.insert("text".to_owned(), text("x".repeat(300 << 10)));
            engine.write(&put(&shelves(), large)).await.unwrap();
        }
        let page = engine.query(Query::new(&shelves(), "A")).await.unwrap();
        assert_eq!(places(&page), ["0", "1", "2", "3"]);
        let rest =
            engine.query(Query { start_after: page.next, ..Query::new(&shelves(), "A") }).await.unwrap();
        assert_eq!(places(&rest), ["4"]);
        let page = engine.scan(&shelves(), None).await.unwrap();
        assert_eq!(page.items.len(), 4);
        let rest = engine.scan(&shelves(), page.next).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
    }
}

#[tokio::test]
async fn a_projection_leaves_one_attribute() {
    for (engine, _directory) in both().await {
        fill(&engine).await;
        let query =
            Query { projection: Some("what".to_owned()), limit: Some(1), ..Query::new(&shelves(), "A") };
        assert_eq!(engine.query(query).await.unwrap().items, [item(&[("what", text("book 1"))])]);
        let query = Query { projection: Some("absent".to_owned()), ..Query::new(&shelves(), "B") };
        assert_eq!(engine.query(query).await.unwrap().items, [Item::new()]);
    }
}

#[tokio::test]
async fn a_batch_returns_the_items_that_exist() {
    for (engine, _directory) in both().await {
        for id in 0..250 {
            engine.write(&put(&things(), key(&id.to_string()))).await.unwrap();
        }
        let keys: Vec<Item> = (0..260).map(|id| key(&id.to_string())).collect();
        assert_eq!(engine.get_batch(&things(), keys).await.unwrap().len(), 250);
        assert!(engine.get_batch(&things(), Vec::new()).await.unwrap().is_empty());
        let twice = engine.get_batch(&things(), vec![key("1"), key("1")]).await;
        assert_eq!(code(twice), "ValidationException");
    }
}

#[tokio::test]
async fn reads_that_dynamodb_does_not_take_are_refused() {
    for (engine, _directory) in both().await {
        let no_key = engine.get(&things(), item(&[("other", text("x"))])).await;
        assert_eq!(code(no_key), "ValidationException");
        let nowhere = orderflow_store_port::TableRef { name: "nowhere".into(), ..things() };
        assert_eq!(code(engine.get(&nowhere, key("a")).await), "ResourceNotFoundException");
        for query in [
            Query { limit: Some(0), ..Query::new(&things(), "a") },
            Query::new(&things(), ""),
            Query { start_after: Some(Item::new()), ..Query::new(&things(), "a") },
            Query { start_after: Some(key("other")), ..Query::new(&things(), "a") },
        ] {
            assert_eq!(code(engine.query(query).await), "ValidationException");
        }
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result.unwrap_err() {
        StoreError::Request { code, .. } => code,
        other => panic!("{other:?}"),
    }
}
