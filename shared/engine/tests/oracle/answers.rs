//! The answers to operations, in a form in which those of all stores are equal.

use std::collections::BTreeMap;

use orderflow_store_port::{
    Backend, Cancellation, Change, Item, Query, StoreError, TableRef, TransactError, Value, WriteError,
};

use crate::operations::{Asked, Step};

/// An item with its attributes in order.
pub(crate) type Sorted = BTreeMap<String, String>;

/// What a store answers, without the texts of messages.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Written(Outcome),
    Together(Result<(), Vec<Outcome>>),
    Each(Vec<Outcome>),
    Items(Vec<Sorted>),
    Refused(String),
}

/// What happened to one write.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Done,
    Condition(Option<Sorted>),
    Refused(String),
}

pub(crate) async fn answer(store: &dyn Backend, step: &Step) -> Answer {
    match step {
        Step::Write(write) => Answer::Written(outcome(store.write(write).await)),
        Step::Each(writes) => Answer::Each(store.write_each(writes).await.into_iter().map(outcome).collect()),
        Step::Transact(writes) => match store.transact(writes).await {
            Ok(()) => Answer::Together(Ok(())),
            Err(TransactError::Cancelled(reasons)) => {
                Answer::Together(Err(reasons.into_iter().map(cancelled).collect()))
            }
            Err(TransactError::Store(error)) => Answer::Refused(code(error)),
        },
        Step::Get(table, key) => {
            items(store.get(table, key.clone()).await.map(|item| item.into_iter().collect()))
        }
        Step::Batch(table, keys) => in_any_order(items(store.get_batch(table, keys.clone()).await)),
        Step::Query(asked) => {
            let found = items(all_pages(store, asked).await);
            if asked.index.is_some() { in_any_order(found) } else { found }
        }
        Step::Scan(table) => in_any_order(items(scan(store, table).await)),
    }
}

async fn all_pages(store: &dyn Backend, asked: &Asked) -> Result<Vec<Item>, StoreError> {
    let mut found: Vec<Item> = Vec::new();
    let mut start_after = None;
    loop {
        let query = Query {
            index: asked.index,
            range: asked.range.clone(),
            descending: asked.descending,
            limit: asked.limit,
            projection: asked.projection.clone(),
            start_after,
            ..Query::new(&asked.table, asked.hash.clone())
        };
        let page = store.query(query).await?;
        assert!(asked.limit.is_none_or(|limit| page.items.len() <= limit));
        found.extend(page.items);
        start_after = page.next;
        if start_after.is_none() {
            break;
        }
    }
    if let Some(index) = asked.index {
        let ranges: Vec<String> = found.iter().map(|item| shown(&item[index.range])).collect();
        let sorted = if asked.descending { ranges.iter().rev().is_sorted() } else { ranges.is_sorted() };
        assert!(sorted, "{ranges:?}");
    }
    Ok(found)
}

async fn scan(store: &dyn Backend, table: &TableRef) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    let mut start_after = None;
    loop {
        let page = store.scan(table, start_after).await?;
        found.extend(page.items);
        start_after = page.next;
        if start_after.is_none() {
            return Ok(found);
        }
    }
}

/// Returns the records of a stream: what happened, the keys, and the image.
pub(crate) async fn stream(store: &dyn Backend, table: &TableRef) -> Vec<(Change, Sorted, Option<Sorted>)> {
    let mut reader = store.open_stream(&table.name, Vec::new()).await.unwrap();
    let mut records = Vec::new();
    loop {
        let batches = reader.read().await.unwrap();
        if batches.is_empty() {
            return without_unchanged(records);
        }
        let read = batches.into_iter().flat_map(|batch| batch.records);
        records.extend(read.map(|record| (record.change, record.keys, record.image)));
    }
}

/// Leaves out the records of writes that changed nothing, which dynoxide keeps and DynamoDB does not.
pub(crate) fn without_unchanged(
    records: Vec<(Change, Item, Option<Item>)>,
) -> Vec<(Change, Sorted, Option<Sorted>)> {
    let mut images: BTreeMap<Sorted, Sorted> = BTreeMap::new();
    let records = records.into_iter().map(|(change, keys, image)| (change, sorted(keys), image.map(sorted)));
    let changed = records.filter(|(_, keys, image)| {
        let before = match image {
            Some(image) => images.insert(keys.clone(), image.clone()),
            None => images.remove(keys),
        };
        before.is_none() || before != *image
    });
    changed.collect()
}

fn items(found: Result<Vec<Item>, StoreError>) -> Answer {
    match found {
        Ok(items) => Answer::Items(items.into_iter().map(sorted).collect()),
        Err(error) => Answer::Refused(code(error)),
    }
}

pub(crate) fn in_any_order(answer: Answer) -> Answer {
    match answer {
        Answer::Items(mut items) => {
            items.sort_unstable();
            Answer::Items(items)
        }
        other => other,
    }
}

fn outcome(result: Result<(), WriteError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(WriteError::ConditionFailed(item)) => Outcome::Condition(item.map(|item| sorted(*item))),
        Err(WriteError::Store(error)) => Outcome::Refused(code(error)),
    }
}

fn cancelled(reason: Cancellation) -> Outcome {
    match reason {
        Cancellation::None => Outcome::Done,
        Cancellation::ConditionFailed(item) => Outcome::Condition(item.map(|item| sorted(*item))),
        Cancellation::Conflict => Outcome::Refused("conflict".to_owned()),
        Cancellation::Other { code, .. } => Outcome::Refused(code),
    }
}

fn code(error: StoreError) -> String {
    match error {
        StoreError::Request { code, .. } => code,
        other => other.to_string(),
    }
}

pub(crate) fn sorted(item: Item) -> Sorted {
    item.into_iter().map(|(name, value)| (name, shown(&value))).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::M(map) => format!("M{:?}", sorted(map.clone())),
        Value::L(list) => format!("L{:?}", list.iter().map(shown).collect::<Vec<_>>()),
        Value::Ss(set) => format!("SS{:?}", in_order(set)),
        Value::Ns(set) => format!("NS{:?}", in_order(set)),
        Value::Bs(set) => format!("BS{:?}", in_order(set)),
        other => format!("{other:?}"),
    }
}

fn in_order<T: Ord + Clone>(set: &[T]) -> Vec<T> {
    let mut set = set.to_vec();
    set.sort_unstable();
    set
}
