//! Erases what the database keeps of values that were overwritten or deleted.

use rusqlite::{Connection, params};

/// A text, and what takes its place.
pub type Replacement = (String, String);

const FIND: &str = "SELECT id, new_image, old_image FROM _stream_records \
                    WHERE instr(new_image, ?1) > 0 OR instr(old_image, ?1) > 0";
const UPDATE: &str = "UPDATE _stream_records SET new_image = ?2, old_image = ?3 WHERE id = ?1";

/// Replaces addresses in the records of all streams. Returns how many records changed.
pub(crate) fn replace_in_streams(
    connection: &Connection,
    replacements: &[Replacement],
) -> rusqlite::Result<u64> {
    let transaction = connection.unchecked_transaction()?;
    let mut changed = 0;
    for (from, to) in replacements.iter().filter(|(from, _)| !from.is_empty()) {
        let mut find = transaction.prepare(FIND)?;
        let found = find.query_map(params![from], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let found: Vec<(i64, Option<String>, Option<String>)> = found.collect::<Result<_, _>>()?;
        for (id, new_image, old_image) in found {
            let replaced = |image: Option<String>| image.map(|image| replace_whole(&image, from, to));
            transaction.execute(UPDATE, params![id, replaced(new_image), replaced(old_image)])?;
            changed += 1;
        }
    }
    transaction.commit()?;
    Ok(changed)
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
            (r#"{"S":"a@b.co"}"#, r#"{"S":"X"}"#),
            (r#"{"S":"{\"mail\":\"a@b.co\"}"}"#, r#"{"S":"{\"mail\":\"X\"}"}"#),
            ("to a@b.co. And <a@b.co>, a@b.co", "to X. And <X>, X"),
            ("xa@b.co a@b.com a@b.co.uk j.a@b.co", "xa@b.co a@b.com a@b.co.uk j.a@b.co"),
            ("", ""),
        ] {
            assert_eq!(replace_whole(text, "a@b.co", "X"), expected);
        }
        assert_eq!(replace_whole("+4930123 +49301234", "+4930123", "X"), "X +49301234");
    }
}
