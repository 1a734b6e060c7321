use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use orderflow_engine::{Engine, Location, Options};
use orderflow_store_port::{Backend, Change, Position, StreamRecord};
use tokio::sync::watch;

use crate::support::{
    as_text, both, create, delete, get, item, key, open, put, put_new, records, shelves, text, things,
};

fn position(record: &StreamRecord) -> Position {
    let shard = "shardId-00000000000000000000-orderflow".to_owned();
    Position { shard, sequence_number: record.sequence_number.clone() }
}

async fn after(engine: &Engine, position: Position) -> Vec<String> {
    let mut reader = engine.open_stream("test-things", vec![position]).await.unwrap();
    let batches = reader.read().await.unwrap();
    batches.iter().flat_map(|batch| &batch.records).map(id).collect()
}

fn id(record: &StreamRecord) -> String {
    as_text(&record.keys["id"])
}

#[tokio::test]
async fn a_stream_is_read_in_order_from_its_start_or_after_a_record() {
    for (engine, _directory) in both().await {
        engine.write(&put_new("a")).await.unwrap();
        engine.transact(&[put_new("b"), put_new("c")]).await.unwrap();
        engine.write(&put(&things(), item(&[("id", text("a")), ("x", text("1"))]))).await.unwrap();
        engine.write(&delete("b")).await.unwrap();
        let all = records(&engine).await;
        assert_eq!(all.iter().map(id).collect::<Vec<_>>(), ["a", "b", "c", "a", "b"]);
        let changes: Vec<Change> = all.iter().map(|record| record.change).collect();
        assert_eq!(changes, [Change::Insert, Change::Insert, Change::Insert, Change::Modify, Change::Remove]);
        assert_eq!(all[3].image, get(&engine, "a").await);
        assert_eq!((&all[4].image, &all[4].keys), (&None, &key("b")));
        assert!(all.is_sorted_by_key(|record| record.sequence_number.clone()));
        assert_eq!(after(&engine, position(&all[1])).await, ["c", "a", "b"]);
        assert!(after(&engine, position(&all[4])).await.is_empty());
    }
}

#[tokio::test]
async fn a_reader_returns_what_was_added_since() {
    for (engine, _directory) in both().await {
        let mut reader = engine.open_stream("test-things", Vec::new()).await.unwrap();
        assert!(reader.read().await.unwrap().is_empty());
        for n in 0..1_500 {
            engine.write_each(&[put_new(&n.to_string())]).await;
        }
        let mut read = 0;
        while let [batch] = &reader.read().await.unwrap()[..] {
            read += batch.records.len();
            assert_eq!(batch.last, position(batch.records.last().unwrap()));
        }
        assert_eq!(read, 1_500);
        engine.write(&put_new("later")).await.unwrap();
        assert_eq!(reader.read().await.unwrap()[0].records.len(), 1);
    }
}

#[tokio::test]
async fn trimming_keeps_the_newest_record_and_the_numbering() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    let puts: Vec<_> = (0..2_050).map(|n| put_new(&n.to_string())).collect();
    assert!(engine.write_each(&puts).await.iter().all(Result::is_ok));
    let all = records(&engine).await;
    assert_eq!(engine.trim_stream("test-things", &position(&all[9])).await.unwrap(), 10);
    assert_eq!(after(&engine, position(&all[3])).await[0], "10");
    let newest = position(all.last().unwrap());
    assert_eq!(engine.trim_stream("test-things", &newest).await.unwrap(), 2_039);
    assert_eq!(engine.trim_stream("test-things", &newest).await.unwrap(), 0);
    drop(engine);
    let engine = open(directory.path()).unwrap();
    assert_eq!(records(&engine).await.len(), 1);
    engine.write(&put_new("next")).await.unwrap();
    assert_eq!(after(&engine, newest).await, ["next"]);
}

#[tokio::test]
async fn unknown_streams_and_positions_are_refused() {
    for (engine, _directory) in both().await {
        engine.write(&put_new("a")).await.unwrap();
        let known = position(&records(&engine).await[0]);
        for table in ["nowhere", "test-shelves"] {
            assert!(engine.open_stream(table, Vec::new()).await.is_err());
            assert!(engine.trim_stream(table, &known).await.is_err());
        }
        for number in ["", "many", "-1", "99999999999999999999999"] {
            let unknown = Position { sequence_number: number.to_owned(), ..known.clone() };
            assert!(engine.trim_stream("test-things", &unknown).await.is_err(), "{number}");
            assert!(engine.open_stream("test-things", vec![unknown]).await.is_err(), "{number}");
        }
    }
}

#[tokio::test]
async fn the_time_of_a_record_is_that_of_the_given_clock() {
    let moment = UNIX_EPOCH + Duration::from_millis(1_234);
    let clock: orderflow_engine::Clock = Arc::new(move || moment);
    let engine = Engine::open(Options { clock, ..Options::new(Location::Memory) }).unwrap();
    create(&engine).await;
    engine.write(&put_new("a")).await.unwrap();
    assert_eq!(records(&engine).await[0].written_at, Some(moment));
}

async fn woken(changes: &mut watch::Receiver<u64>) {
    let changed = tokio::time::timeout(Duration::from_secs(5), changes.changed()).await;
    changed.expect("the write wakes the reader").unwrap();
}

#[tokio::test]
async fn only_successful_writes_to_the_table_wake_its_readers() {
    for (engine, _directory) in both().await {
        let mut changes = engine.changes("test-things").unwrap();
        engine.write(&put_new("a")).await.unwrap();
        woken(&mut changes).await;
        engine.transact(&[put_new("b"), put_new("c")]).await.unwrap();
        woken(&mut changes).await;
        assert_eq!(*changes.borrow_and_update(), 2);
        engine.write(&put_new("a")).await.unwrap_err();
        engine.transact(&[put_new("a")]).await.unwrap_err();
        let elsewhere = item(&[("shelf", text("A")), ("place", text("1"))]);
        engine.write(&put(&shelves(), elsewhere)).await.unwrap();
        assert!(!changes.has_changed().unwrap());
        drop(engine);
        assert!(changes.changed().await.is_err(), "closing the database ends the wait");
    }
}

#[tokio::test]
async fn addresses_are_replaced_in_records_and_erased_from_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    let with_mail = |id: &str, mail: &str| put(&things(), item(&[("id", text(id)), ("mail", text(mail))]));
    engine.write(&with_mail("a", "jane@example.com")).await.unwrap();
    engine.write(&with_mail("b", "mary-jane@example.com")).await.unwrap();
    engine.write(&with_mail("a", "gone")).await.unwrap();
    engine.replace_in_streams(&[("jane@example.com".to_owned(), "erased".to_owned())]).await.unwrap();
    let mails: Vec<String> = records(&engine)
        .await
        .iter()
        .map(|record| as_text(&record.image.as_ref().unwrap()["mail"]))
        .collect();
    assert_eq!(mails, ["erased", "mary-jane@example.com", "gone"]);
    engine.write(&delete("b")).await.unwrap();
    let newest = position(records(&engine).await.last().unwrap());
    engine.trim_stream("test-things", &newest).await.unwrap();
    engine.erase_remnants().await.unwrap();
    check_erased(directory.path());
    assert!(get(&engine, "a").await.is_some());
}

fn check_erased(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"jane@exa"));
    }
}

#[tokio::test]
async fn an_erasure_waits_until_the_streams_are_trimmed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    for mail in ["jane@example.com", "gone"] {
        engine.write(&put(&things(), item(&[("id", text("a")), ("mail", text(mail))]))).await.unwrap();
    }
    let newest = position(records(&engine).await.last().unwrap());
    let trimming = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.trim_stream("test-things", &newest).await.unwrap();
    };
    let (erased, ()) = tokio::join!(engine.erase_remnants(), trimming);
    erased.unwrap();
    check_erased(directory.path());
}
