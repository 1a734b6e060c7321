//! The streams of tables.

use std::time::{Duration, SystemTime};

use orderflow_store::{Position, StreamReader, StreamRecord, text};
use orderflow_store_port::{Change, Condition};

use super::StoreUnderTest;
use super::ground::{Ground, delete, key, n, only_if, put, s, set, thing, update};

/// Reads a stream to its end.
pub(super) async fn read_all(stream: &mut dyn StreamReader) -> Vec<StreamRecord> {
    read_with_end(stream).await.0
}

async fn read_with_end(stream: &mut dyn StreamReader) -> (Vec<StreamRecord>, Option<Position>) {
    let (mut records, mut last) = (Vec::new(), None);
    loop {
        let batches = stream.read().await.unwrap();
        if batches.is_empty() {
            return (records, last);
        }
        for batch in batches {
            assert_eq!(batch.records.last().unwrap().sequence_number, batch.last.sequence_number);
            records.extend(batch.records);
            last = Some(batch.last);
        }
    }
}

async fn open<S: StoreUnderTest>(ground: &Ground<S>, after: Vec<Position>) -> Box<dyn StreamReader> {
    ground.backend.open_stream(&ground.things.name, after).await.unwrap()
}

fn ids(records: &[StreamRecord]) -> Vec<&str> {
    records.iter().map(|record| text(&record.keys, "id").unwrap()).collect()
}

/// Each change of an item is one record with the item as it is then, in the order of the changes.
pub async fn every_change_is_a_record<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let started = SystemTime::now();
    ground.put("a", [("size", n(1))]).await;
    ground.write(update(&ground.things, key("a"), vec![set("size", n(2))])).await.unwrap();
    ground.write(delete(&ground.things, key("a"))).await.unwrap();
    ground.put("a", []).await;
    let records = read_all(&mut *open(&ground, Vec::new()).await).await;
    let changes: Vec<_> = records.iter().map(|record| (record.change, record.image.clone())).collect();
    let expected = [
        (Change::Insert, Some(thing("a", [("size", n(1))]))),
        (Change::Modify, Some(thing("a", [("size", n(2))]))),
        (Change::Remove, None),
        (Change::Insert, Some(thing("a", []))),
    ];
    assert_eq!(changes, expected);
    let numbers = records.iter().map(|record| record.sequence_number.parse::<u128>().unwrap());
    assert!(numbers.is_sorted_by(|one, next| one < next));
    for record in &records {
        assert_eq!(record.keys, key("a"));
        let written_at = record.written_at.unwrap();
        assert!(written_at >= started - Duration::from_secs(2) && written_at <= SystemTime::now());
    }

    let writes = [put(&ground.things, thing("b", [])), put(&ground.things, thing("c", []))];
    ground.backend.transact(&writes).await.unwrap();
    let records = read_all(&mut *open(&ground, Vec::new()).await).await;
    let mut of_transaction = ids(&records[4..]);
    of_transaction.sort_unstable();
    assert_eq!(of_transaction, ["b", "c"]);
}

/// Failed writes and writes that change nothing leave no record.
pub async fn what_changes_nothing_leaves_no_record<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    ground.put("a", [("size", n(1))]).await;
    let same = [
        put(&ground.things, thing("a", [("size", n("1.0"))])),
        update(&ground.things, key("a"), vec![set("size", n(1))]),
        delete(&ground.things, key("b")),
    ];
    for write in same.into_iter().skip(if S::RECORDS_UNCHANGED { 2 } else { 0 }) {
        ground.write(write).await.unwrap();
    }
    let failed = only_if(put(&ground.things, thing("a", [])), Condition::Absent);
    assert!(ground.write(failed.clone()).await.is_err());
    let cancelled = [put(&ground.things, thing("c", [])), failed];
    assert!(ground.backend.transact(&cancelled).await.is_err());
    assert_eq!(ids(&read_all(&mut *open(&ground, Vec::new()).await).await), ["a"]);
}

/// A reader continues where it was, and a new one after the position that it is given.
pub async fn a_reader_resumes_after_its_position<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let mut reader = open(&ground, Vec::new()).await;
    assert!(read_all(&mut *reader).await.is_empty());
    for id in ["a", "b", "c"] {
        ground.put(id, []).await;
    }
    let (first, end) = read_with_end(&mut *reader).await;
    assert_eq!(ids(&first), ["a", "b", "c"]);
    for id in ["d", "e"] {
        ground.put(id, []).await;
    }
    assert_eq!(ids(&read_all(&mut *reader).await), ["d", "e"]);
    let end = end.unwrap();
    assert_eq!(ids(&read_all(&mut *open(&ground, vec![end.clone()]).await).await), ["d", "e"]);
    let early = Position { sequence_number: first[0].sequence_number.clone(), ..end };
    assert_eq!(ids(&read_all(&mut *open(&ground, vec![early]).await).await), ["b", "c", "d", "e"]);
}

/// Trimmed records are gone; the others stay, and the numbering goes on.
pub async fn trimmed_records_are_gone<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    for id in ["a", "b", "c"] {
        ground.put(id, []).await;
    }
    let (records, end) = read_with_end(&mut *open(&ground, Vec::new()).await).await;
    let end = end.unwrap();
    let second = Position { sequence_number: records[1].sequence_number.clone(), ..end.clone() };
    let trimmed = ground.backend.trim_stream(&ground.things.name, &second).await.unwrap();
    if !S::IN_PROCESS {
        assert_eq!(trimmed, 0, "the store trims by itself");
        return;
    }
    assert_eq!(trimmed, 2);
    assert_eq!(ids(&read_all(&mut *open(&ground, Vec::new()).await).await), ["c"]);
    ground.put("d", []).await;
    assert_eq!(ids(&read_all(&mut *open(&ground, vec![end]).await).await), ["d"]);
    assert_eq!(ids(&read_all(&mut *open(&ground, vec![second]).await).await), ["c", "d"]);
}

/// A store in this process tells of each write after which a reader finds it.
pub async fn a_writer_wakes_readers<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let changes = ground.backend.changes(&ground.things.name);
    assert_eq!(changes.is_some(), S::IN_PROCESS);
    let Some(mut changes) = changes else { return };
    let mut reader = open(&ground, Vec::new()).await;
    for id in ["a", "b"] {
        changes.borrow_and_update();
        ground.put(id, []).await;
        tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.unwrap().unwrap();
        assert_eq!(ids(&read_all(&mut *reader).await), [id]);
    }
}

/// Addresses in records are replaced where they are not part of longer ones; a store whose records are out of reach reports success.
pub async fn addresses_are_replaced_in_records<S: StoreUnderTest>() {
    let ground = Ground::<S>::open().await;
    let address = format!("{}@example.com", &ground.things.name);
    ground.put("a", [("email", s(&address)), ("note", s(format!("to <{address}>, x{address}")))]).await;
    ground.backend.replace_in_streams(&[(address.clone(), "erased".to_owned())]).await.unwrap();
    ground.backend.erase_remnants().await.unwrap();
    let records = read_all(&mut *open(&ground, Vec::new()).await).await;
    if S::IN_PROCESS {
        let image = records[0].image.as_ref().unwrap();
        assert_eq!(text(image, "email"), Some("erased"));
        assert_eq!(text(image, "note"), Some(&*format!("to <erased>, x{address}")));
    }
    assert_eq!(text(&ground.thing("a").await.unwrap(), "email"), Some(&*address), "items stay");
}
