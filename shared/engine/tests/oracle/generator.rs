//! Makes random operations: over few keys, so that they meet each other's items.

use std::collections::BTreeSet;

use fastrand::Rng;
use orderflow_store_port::{
    Assignment, Condition, Item, KeyRange, Operation, TableDefinition, TableRef, Value, Write,
};

use crate::operations::{Asked, Step, TABLES, table};

/// Returns a random operation.
pub(crate) fn a_step(rng: &mut Rng) -> Step {
    match rng.u32(..18) {
        0..6 => Step::Write(a_write(rng)),
        6..9 => Step::Transact(some(rng, 1..6, a_write)),
        9..11 => Step::Each(independent_writes(rng)),
        11..13 => {
            let table = a_table(rng);
            let key = a_key(rng, table.definition);
            Step::Get(table, key)
        }
        13 => {
            let table = a_table(rng);
            let keys = some(rng, 1..5, |rng| a_key(rng, table.definition));
            Step::Batch(table, keys)
        }
        14..17 => Step::Query(a_query(rng)),
        _ => Step::Scan(a_table(rng)),
    }
}

fn some<T>(rng: &mut Rng, count: std::ops::Range<usize>, mut one: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.usize(count)).map(|_| one(rng)).collect()
}

fn one_of<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

fn text(rng: &mut Rng, choices: &[&str]) -> String {
    one_of(rng, choices).to_owned()
}

fn a_table(rng: &mut Rng) -> TableRef {
    table(&TABLES[rng.usize(..TABLES.len())])
}

fn a_hash(rng: &mut Rng) -> String {
    match rng.u32(..45) {
        0 => String::new(),
        1..5 => "é".to_owned(),
        _ => text(rng, &["a", "b"]),
    }
}

fn a_range(rng: &mut Rng) -> String {
    match rng.u32(..27) {
        0 => String::new(),
        1..4 => text(rng, &["10", "11", "12", "13"]),
        4..7 => text(rng, &["ü", "zz", "\u{10FFFF}"]),
        _ => text(rng, &["1", "2", "3", "4"]),
    }
}

fn a_key(rng: &mut Rng, definition: &TableDefinition) -> Item {
    let mut key = Item::from([(definition.hash.to_owned(), Value::S(a_hash(rng)))]);
    if let Some(name) = definition.range {
        key.insert(name.to_owned(), Value::S(a_range(rng)));
    }
    key
}

fn digits(rng: &mut Rng, count: usize) -> String {
    (0..count).map(|_| rng.digit(10)).collect()
}

fn a_number(rng: &mut Rng) -> String {
    match rng.u32(..11) {
        0..6 => rng.i64(-3..4).to_string(),
        6 => rng.i64(..).to_string(),
        7 | 8 => {
            let (whole, decimals) = (rng.usize(1..4), rng.usize(1..4));
            let sign = if rng.bool() { "-" } else { "" };
            format!("{sign}{}.{}", digits(rng, whole), digits(rng, decimals))
        }
        9 => text(rng, &["3e7", "1e0", "9E-4", "-0", "00.5", ".5", "7.", "+3", "0", "0.0"]),
        _ => {
            let count = rng.usize(20..38);
            format!("{}{}", rng.u32(1..10), digits(rng, count))
        }
    }
}

fn bytes(rng: &mut Rng, count: std::ops::Range<usize>) -> Vec<u8> {
    some(rng, count, |rng| rng.u8(..))
}

fn distinct<T: Ord>(rng: &mut Rng, one: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    some(rng, 1..3, one).into_iter().collect::<BTreeSet<T>>().into_iter().collect()
}

/// Returns a value with at most this many levels of lists and maps.
fn a_value(rng: &mut Rng, levels: u32) -> Value {
    let kinds = if levels == 0 { 23 } else { 29 };
    match rng.u32(..kinds) {
        0..8 => Value::N(a_number(rng)),
        8..16 => Value::S(text(rng, &["", "a", "b", "ab", "cc"])),
        16 => Value::Bool(rng.bool()),
        17 => Value::Null(true),
        18 => Value::B(bytes(rng, 0..4)),
        19 | 20 => Value::Ss(distinct(rng, |rng| text(rng, &["a", "b", "c"]))),
        21 => Value::Ns(distinct(rng, |rng| rng.i64(-3..4).to_string())),
        22 => Value::Bs(distinct(rng, |rng| bytes(rng, 1..3))),
        23..26 => Value::L(some(rng, 0..3, |rng| a_value(rng, levels - 1))),
        _ => Value::M(
            some(rng, 0..3, |rng| (text(rng, &["a", "b", "c"]), a_value(rng, levels - 1)))
                .into_iter()
                .collect(),
        ),
    }
}

/// Returns an attribute with a value: most often one that the attribute can have.
fn an_attribute(rng: &mut Rng) -> (String, Value) {
    match rng.u32(..16) {
        0..6 => (text(rng, &["n", "m"]), Value::N(a_number(rng))),
        6..12 => (text(rng, &["color", "size"]), Value::S(text(rng, &["r", "s", "t"]))),
        12..15 => (text(rng, &["x", "y"]), a_value(rng, 2)),
        _ => (text(rng, &["color", "size", "n"]), a_value(rng, 2)),
    }
}

fn an_item(rng: &mut Rng, definition: &TableDefinition) -> Item {
    let mut item: Item = some(rng, 0..5, an_attribute).into_iter().collect();
    item.extend(a_key(rng, definition));
    if rng.u32(..60) == 0 {
        item.remove(definition.hash);
    }
    item
}

fn an_assignment(rng: &mut Rng) -> Assignment {
    let by = if rng.u32(..12) == 0 { 1_000_000_000_000 } else { rng.i64(-5..6) };
    match rng.u32(..13) {
        0..5 => {
            let (name, value) = an_attribute(rng);
            Assignment::Set(name, value)
        }
        5 | 6 => Assignment::Increment(text(rng, &["n", "m", "x"]), by),
        7..11 => Assignment::IncrementFromZero(text(rng, &["n", "m", "x"]), by),
        _ => Assignment::Remove(text(rng, &["n", "m", "x", "y", "color", "size"])),
    }
}

fn an_operation(rng: &mut Rng, definition: &TableDefinition) -> Operation {
    match rng.u32(..12) {
        0..5 => Operation::Put(an_item(rng, definition)),
        5..10 => {
            let key = a_key(rng, definition);
            let mut seen = BTreeSet::new();
            let mut assignments = some(rng, 1..4, an_assignment);
            assignments.retain(|assignment| seen.insert(assignment.attribute().to_owned()));
            Operation::Update { key, assignments }
        }
        _ => Operation::Delete { key: a_key(rng, definition) },
    }
}

fn a_condition(rng: &mut Rng) -> Condition {
    match rng.u32(..9) {
        0 | 1 => Condition::Absent,
        2 | 3 => Condition::Present,
        4..7 => {
            let (name, value) = an_attribute(rng);
            Condition::Equals(name, value)
        }
        _ => Condition::AtLeast(text(rng, &["n", "m", "x"]), rng.i64(-3..4)),
    }
}

fn a_write(rng: &mut Rng) -> Write {
    let table = a_table(rng);
    let conditions = if rng.u32(..5) < 3 { Vec::new() } else { some(rng, 1..3, a_condition) };
    Write { operation: an_operation(rng, table.definition), table, conditions }
}

/// Returns writes of different items.
fn independent_writes(rng: &mut Rng) -> Vec<Write> {
    let mut writes = some(rng, 1..6, a_write);
    let mut seen: Vec<(TableRef, [Option<Value>; 2])> = Vec::new();
    writes.retain(|write| {
        let key = key_of(write);
        let is_new = !seen.contains(&key);
        seen.push(key);
        is_new
    });
    writes
}

fn key_of(write: &Write) -> (TableRef, [Option<Value>; 2]) {
    let (Operation::Put(item) | Operation::Update { key: item, .. } | Operation::Delete { key: item }) =
        &write.operation;
    let definition = write.table.definition;
    let range = definition.range.and_then(|range| item.get(range));
    (write.table.clone(), [item.get(definition.hash).cloned(), range.cloned()])
}

fn a_query(rng: &mut Rng) -> Asked {
    let table = a_table(rng);
    let index = table.definition.indexes.get(rng.usize(..4));
    let low = text(rng, &["1", "2", "3", "4", "r", "s", "t", "a", "b"]);
    let high = text(rng, &["1", "2", "3", "4", "r", "s", "t", "z"]);
    let is_ranged = index.is_some() || table.definition.range.is_some();
    let range = match rng.u32(..5) {
        2 if is_ranged => KeyRange::After(low),
        3 if is_ranged => KeyRange::Before(low),
        4 if is_ranged && low <= high => KeyRange::Between(low, high),
        4 if is_ranged => KeyRange::Between(high, low),
        _ => KeyRange::All,
    };
    let hash = if index.is_some() { text(rng, &["r", "s", "t"]) } else { text(rng, &["a", "b", "é"]) };
    // An index holds keys only.
    let is_projected = index.is_none() && rng.u32(..5) == 0;
    Asked {
        table,
        index,
        hash,
        range,
        descending: rng.bool(),
        limit: (rng.u32(..5) > 1).then(|| rng.usize(1..4)),
        projection: is_projected.then(|| text(rng, &["n", "x", "color"])),
    }
}
