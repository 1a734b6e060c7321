//! How DynamoDB bills requests: the sizes of items, and the units of writes and reads.
//!
//! A write costs one unit for each KB, or part of one, of the larger of the item before and the item after it; in a transaction twice that. An index costs one unit
//! more for each entry that is put, and one for each that is deleted; an entry whose keys stay the same costs nothing, because the indexes hold keys
//! only. A strongly consistent read costs one unit for each 4 KB, an eventually consistent one half of that.

use std::collections::BTreeMap;

use orderflow_store_port::{IndexDefinition, Item, TableDefinition, Value};

const WRITE_UNIT: usize = 1_024;
const READ_UNIT: usize = 4_096;

/// What a list or a map takes besides its elements.
const NESTED: usize = 3;

/// Units by table and index: `orders`, `orders/open`.
pub(crate) type Units = BTreeMap<String, f64>;

/// Returns the size of an item.
pub(crate) fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => number_size(number),
        Value::B(bytes) => bytes.len(),
        Value::Bool(_) | Value::Null(_) => 1,
        Value::M(map) => {
            NESTED + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        Value::L(list) => NESTED + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        Value::Ss(texts) => texts.iter().map(String::len).sum(),
        Value::Ns(numbers) => numbers.iter().map(|number| number_size(number)).sum(),
        Value::Bs(all) => all.iter().map(Vec::len).sum(),
    }
}

/// One byte for each two significant digits, and one more; another one for a sign.
fn number_size(number: &str) -> usize {
    let digits = number.trim_start_matches('-').chars().filter(char::is_ascii_digit).collect::<String>();
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len().max(1);
    significant.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
}

/// Returns the units of a write that is not part of a transaction.
pub(crate) fn write_units(
    definition: &TableDefinition,
    before: Option<&Item>,
    after: Option<&Item>,
) -> Units {
    let size = before.map_or(0, item_size).max(after.map_or(0, item_size));
    let mut units = Units::from([(definition.name.to_owned(), steps(size, WRITE_UNIT))]);
    for index in definition.indexes {
        let entries = [entry(index, before), entry(index, after)];
        let changed = if entries[0] == entries[1] { 0 } else { entries.iter().flatten().count() };
        if changed > 0 {
            units.insert(format!("{}/{}", definition.name, index.name), changed as f64);
        }
    }
    units
}

/// Returns the keys under which an index lists an item, unless the item has not both. They are far smaller than 1 KB.
fn entry<'a>(index: &IndexDefinition, item: Option<&'a Item>) -> Option<(&'a Value, &'a Value)> {
    let item = item?;
    Some((item.get(index.hash)?, item.get(index.range)?))
}

/// Returns the units of a strongly consistent read of this many bytes.
pub(crate) fn read_units(size: usize) -> f64 {
    steps(size, READ_UNIT)
}

fn steps(size: usize, unit: usize) -> f64 {
    // Items have at most 400 KB.
    size.div_ceil(unit).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: TableDefinition = TableDefinition {
        name: "t",
        hash: "id",
        range: None,
        indexes: &[IndexDefinition { name: "i", hash: "h", range: "r" }],
        streams: false,
    };

    fn item(attributes: &[(&str, &str)]) -> Item {
        attributes.iter().map(|(name, text)| ((*name).to_owned(), Value::S((*text).to_owned()))).collect()
    }

    #[test]
    fn sizes_are_those_that_dynamodb_documents() {
        let nested = Value::M([("a".to_owned(), Value::N("1999".to_owned()))].into());
        let list = Value::L(vec![Value::Bool(true), Value::S("é".to_owned())]);
        for (value, size) in [
            (Value::S("abc".to_owned()), 3),
            (Value::N("0".to_owned()), 2),
            (Value::N("-120".to_owned()), 3),
            (Value::N("123456".to_owned()), 4),
            (Value::Null(true), 1),
            (nested, 3 + 1 + 1 + 3),
            (list, 3 + 1 + 1 + 1 + 2),
        ] {
            assert_eq!(value_size(&value), size, "{value:?}");
        }
        assert_eq!(item_size(&item(&[("id", "1"), ("h", "x")])), 5);
    }

    #[test]
    fn a_write_costs_a_unit_for_each_started_kb_of_the_larger_image() {
        let large = item(&[("id", "1"), ("text", &"x".repeat(2_000))]);
        let small = item(&[("id", "1")]);
        for (before, after, units) in [
            (None, Some(&small), 1.0),
            (Some(&large), Some(&small), 2.0),
            (Some(&large), None, 2.0),
            (None, None, 1.0),
        ] {
            assert_eq!(write_units(&TABLE, before, after), Units::from([("t".to_owned(), units)]));
        }
        let exact = item(&[("id", &"x".repeat(1_022))]);
        assert_eq!(write_units(&TABLE, None, Some(&exact))["t"], 1.0);
        assert_eq!((read_units(0), read_units(4_096), read_units(4_097)), (1.0, 1.0, 2.0));
    }

    #[test]
    fn an_index_costs_what_it_puts_and_deletes() {
        let listed = |hash: &str| item(&[("id", "1"), ("h", hash), ("r", "1")]);
        let (none, a, b) = (item(&[("id", "1"), ("h", "a")]), listed("a"), listed("b"));
        for (before, after, units) in [
            (None, Some(&a), Some(1.0)),
            (Some(&a), Some(&b), Some(2.0)),
            (Some(&a), Some(&a), None),
            (Some(&a), Some(&none), Some(1.0)),
            (Some(&none), Some(&none), None),
            (Some(&b), None, Some(1.0)),
        ] {
            assert_eq!(write_units(&TABLE, before, after).get("t/i").copied(), units);
        }
    }
}
