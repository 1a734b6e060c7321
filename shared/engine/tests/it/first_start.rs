//! A first start that is cut off after any of its commits, and tables that get what they lack.

use orderflow_store_port::{Backend, Query, TableDefinition, TableRef, TableState};

use crate::support::{BY_COLOR, THINGS, create, get, of_color, open, put, put_new, thing, things};

/// Returns the prefixes of a write-ahead log that end with a commit.
fn commits(log: &[u8]) -> Vec<&[u8]> {
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let (header, frame) = (32, 24 + number(8));
    let ends = (1..=(log.len() - header) / frame).map(|count| header + count * frame);
    ends.filter(|end| number(end - frame + 4) > 0).map(|end| &log[..end]).collect()
}

#[tokio::test]
async fn the_next_start_completes_one_that_was_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    create(&first).await;
    first.write(&put(&things(), thing("a", "red", "1"))).await.unwrap();
    let database = std::fs::read(directory.path().join("orderflow.db")).unwrap();
    let log = std::fs::read(directory.path().join("orderflow.db-wal")).unwrap();
    let mut incomplete = 0;
    let cuts = commits(&log).into_iter().map(|log| (database.clone(), log.to_vec()));
    for (database, log) in cuts.chain([(Vec::new(), Vec::new()), (database.clone(), Vec::new())]) {
        let cut = tempfile::tempdir().unwrap();
        std::fs::write(cut.path().join("orderflow.db"), database).unwrap();
        std::fs::write(cut.path().join("orderflow.db-wal"), log).unwrap();
        let engine = open(cut.path()).unwrap();
        incomplete += usize::from(engine.list_tables().await.unwrap().len() < 2);
        create(&engine).await;
        engine.write(&put(&things(), thing("b", "red", "2"))).await.unwrap();
        assert_eq!(of_color(&engine, "red").await.last().unwrap(), "b");
    }
    assert!(incomplete > 2, "{incomplete}");
}

static BARE: TableDefinition =
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[], streams: false };

#[tokio::test]
async fn missing_indexes_and_streams_are_added_with_the_items_that_the_table_has() {
    for (engine, _directory) in crate::support::both().await {
        let bare = TableRef { name: "later-things".into(), definition: &BARE };
        let full = TableRef { definition: &THINGS, ..bare.clone() };
        let state = |exists, missing_indexes, missing_stream| TableState {
            name: "later-things".to_owned(),
            exists,
            missing_indexes,
            missing_stream,
        };
        assert_eq!(engine.table_state(&full).await.unwrap(), state(false, vec![], false));
        engine.create_missing(&bare).await.unwrap();
        engine.write(&put(&bare, thing("a", "red", "1"))).await.unwrap();
        engine.write(&put(&bare, crate::support::key("b"))).await.unwrap();
        assert_eq!(engine.table_state(&full).await.unwrap(), state(true, vec![BY_COLOR.name], true));
        let query = Query { index: Some(&BY_COLOR), ..Query::new(&full, "red") };
        assert!(engine.query(query.clone()).await.is_err());
        engine.create_missing(&full).await.unwrap();
        engine.create_missing(&full).await.unwrap();
        assert_eq!(engine.table_state(&full).await.unwrap(), state(true, vec![], false));
        let page = engine.query(query).await.unwrap();
        assert_eq!(page.items, [thing("a", "red", "1")]);
        engine.write(&put(&full, thing("c", "red", "2"))).await.unwrap();
        let mut reader = engine.open_stream("later-things", Vec::new()).await.unwrap();
        assert_eq!(reader.read().await.unwrap()[0].records.len(), 1);
        let description = engine.describe("later-things").unwrap();
        assert_eq!(
            (description.hash.as_str(), description.range, description.stream_shard.is_some()),
            ("id", None, true)
        );
        assert_eq!(engine.describe("nowhere"), None);
        assert_eq!(get(&engine, "a").await, None, "the other table is untouched");
        engine.write(&put_new("a")).await.unwrap();
    }
}
