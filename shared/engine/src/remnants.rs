//! Erases what the database keeps of values that were overwritten or deleted.

use orderflow_store_port::{Item, Value};
use rusqlite::Connection;

use crate::request::StorageError;

/// Rewrites the whole database without freed space, and empties the write-ahead log. Former values are in neither of them any more.
pub(crate) fn erase(connection: &Connection) -> Result<(), StorageError> {
    connection.execute_batch("VACUUM")?;
    let is_blocked: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_blocked {
        return Err(StorageError::new("another reader of the database keeps its log from being emptied"));
    }
    Ok(())
}

/// Replaces an address in all texts of an item, where it is not part of a longer one.
pub(crate) fn replace_in_item(item: Item, from: &str, to: &str) -> Item {
    item.into_iter().map(|(name, value)| (name, replace_in_value(value, from, to))).collect()
}

fn replace_in_value(value: Value, from: &str, to: &str) -> Value {
    match value {
        Value::S(text) => Value::S(replace_whole(&text, from, to)),
        Value::Ss(texts) => {
            let mut texts: Vec<String> = texts.iter().map(|text| replace_whole(text, from, to)).collect();
            texts.sort_unstable();
            texts.dedup();
            Value::Ss(texts)
        }
        Value::L(values) => {
            Value::L(values.into_iter().map(|value| replace_in_value(value, from, to)).collect())
        }
        Value::M(map) => Value::M(replace_in_item(map, from, to)),
        other => other,
    }
}

/// Replaces an address where it is not part of a longer one.
fn replace_whole(text: &str, from: &str, to: &str) -> String {
    let (mut replaced, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        replaced.push_str(before);
        let preceding = before.chars().next_back().or_else(|| replaced.chars().next_back());
        let continues = preceding.is_some_and(is_part) || continues(after);
        replaced.push_str(if continues { from } else { to });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c)
}

/// Returns whether a text continues an address before it. A dot or a hyphen at the end of a sentence does not.
fn continues(text: &str) -> bool {
    text.trim_start_matches(['.', '-']).starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_replaced() {
        for (text, expected) in [
            ("a@b.co", "X"),
            (r#"{"mail":"a@b.co"}"#, r#"{"mail":"X"}"#),
            ("to a@b.co. And <a@b.co>, a@b.co", "to X. And <X>, X"),
            ("xa@b.co a@b.com a@b.co.uk j.a@b.co", "xa@b.co a@b.com a@b.co.uk j.a@b.co"),
            ("", ""),
        ] {
            assert_eq!(replace_whole(text, "a@b.co", "X"), expected);
        }
        assert_eq!(replace_whole("+4930123 +49301234", "+4930123", "X"), "X +49301234");
    }

    #[test]
    fn texts_at_every_depth_are_replaced() {
        let nested = |text: &str| {
            let text = || Value::S(text.to_owned());
            Item::from([
                ("a".to_owned(), Value::L(vec![Value::M(Item::from([("b".to_owned(), text())]))])),
                ("c".to_owned(), text()),
            ])
        };
        assert_eq!(replace_in_item(nested("a@b.co"), "a@b.co", "X"), nested("X"));
    }
}
