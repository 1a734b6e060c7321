//! Keeps the headers of a moved message so small that its next queue can store it.
//!
//! All headers of a message are sent in one frame, which is not split (AMQP 0-9-1, section 4.2.6.1). A message whose headers nearly fill it could
//! not be moved with the fields that Orderflow and the broker add: the broker would close the connection, and deliver the message again.

use lapin::types::{AMQPValue, FieldTable, ShortString};

/// The largest size of the headers of a moved message, in bytes: half of the frame size that RabbitMQ and Amazon MQ use by default.
pub(super) const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The header of a message that lost headers when it was moved.
pub(super) const DROPPED: &str = "x-orderflow-dropped-headers";

/// Removes headers until the rest is small enough: the largest first, and those of Orderflow and of the CloudEvents binding last. Returns a note
/// about the removed ones, which is also added as a header.
pub(super) fn limit(headers: &mut FieldTable) -> Option<String> {
    let mut entries: Vec<(ShortString, usize)> =
        headers.inner().iter().map(|(name, value)| (name.clone(), entry_size(name, value))).collect();
    let mut size: usize = entries.iter().map(|(_, size)| size).sum();
    if size <= MAX_HEADER_BYTES {
        return None;
    }
    entries.sort_by_key(|(name, size)| (is_own(name.as_str()), std::cmp::Reverse(*size)));
    let mut kept = headers.inner().clone();
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for (name, entry) in entries {
        if size <= MAX_HEADER_BYTES {
            break;
        }
        kept.remove(&name);
        size -= entry;
        count += 1;
        bytes += entry;
    }
    let note = format!(
        "dropped {count} {} with {bytes} bytes, too large to move",
        if count == 1 { "header" } else { "headers" }
    );
    *headers = kept.into();
    headers.insert(DROPPED.into(), AMQPValue::LongString(note.as_str().into()));
    Some(note)
}

fn is_own(name: &str) -> bool {
    name.starts_with("x-orderflow-") || name.starts_with("cloudEvents:") || name == "traceparent"
}

/// Returns the size of a header on the wire: the length and the bytes of its name, the type, and the value.
fn entry_size(name: &ShortString, value: &AMQPValue) -> usize {
    1 + name.as_str().len() + 1 + value_size(value)
}

fn value_size(value: &AMQPValue) -> usize {
    match value {
        AMQPValue::LongString(text) => 4 + text.as_bytes().len(),
        AMQPValue::ShortString(text) => 1 + text.as_str().len(),
        AMQPValue::ByteArray(bytes) => 4 + bytes.as_slice().len(),
        AMQPValue::FieldArray(values) => {
            4 + values.as_slice().iter().map(|value| 1 + value_size(value)).sum::<usize>()
        }
        AMQPValue::FieldTable(table) => {
            4 + table.inner().iter().map(|(name, value)| entry_size(name, value)).sum::<usize>()
        }
        // Numbers, booleans, timestamps and nothing have at most eight bytes.
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> AMQPValue {
        AMQPValue::LongString("x".repeat(length).into())
    }

    fn headers(entries: impl IntoIterator<Item = (String, AMQPValue)>) -> FieldTable {
        let mut headers = FieldTable::default();
        for (name, value) in entries {
            headers.insert(name.into(), value);
        }
        headers
    }

    fn size(headers: &FieldTable) -> usize {
        value_size(&AMQPValue::FieldTable(headers.clone()))
    }

    #[test]
    fn small_headers_are_kept() {
        let mut small = headers((0..100).map(|number| (format!("h{number}"), text(500))));
        let before = small.clone();
        assert_eq!(limit(&mut small), None);
        assert_eq!(small, before);
    }

    #[test]
    fn the_largest_headers_are_dropped_first_and_own_headers_last() {
        let nested = AMQPValue::FieldTable(headers([("a".to_owned(), text(40_000))]));
        let mut large = headers([
            ("nested".to_owned(), nested),
            ("long".to_owned(), text(50_000)),
            ("short".to_owned(), text(10)),
            ("cloudEvents:subject".to_owned(), text(60_000)),
        ]);
        let note = limit(&mut large).unwrap();
        assert!(note.starts_with("dropped 2 headers with 90"), "{note}");
        let names: Vec<_> = large.inner().keys().map(|name| name.to_string()).collect();
        assert_eq!(names, ["cloudEvents:subject", "short", DROPPED]);
    }

    #[test]
    fn headers_of_any_number_and_size_fit_afterwards() {
        for (count, length) in [(1, 130_900), (2, 65_000), (1_000, 120), (10_000, 1), (3, 131_000)] {
            for prefix in ["h", "x-orderflow-"] {
                let mut large = headers((0..count).map(|number| (format!("{prefix}{number}"), text(length))));
                limit(&mut large).unwrap();
                assert!(size(&large) <= MAX_HEADER_BYTES + 200, "{count} x {length}: {}", size(&large));
            }
        }
    }
}
