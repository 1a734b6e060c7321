//! The events that a relay has yet to publish.

use std::iter::Sum;

use aws_sdk_dynamodbstreams::types::Record;
use orderflow_domain::Timestamp;
use orderflow_store::OUTBOX;

/// Writes that a stream poller has read and whose events are not published yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The number of writes.
    pub writes: u64,
    /// The time of the oldest write, to the second, as streams carry it.
    pub oldest: Option<Timestamp>,
}

impl Backlog {
    /// Returns the writes among these records that name events.
    pub(crate) fn of(records: &[Record]) -> Self {
        let changes = records.iter().filter_map(Record::dynamodb);
        let named =
            changes.filter(|change| change.new_image().is_some_and(|image| image.contains_key(OUTBOX)));
        let written_at = named.map(|change| {
            let time = change.approximate_creation_date_time()?.to_millis().ok()?;
            Some(Timestamp::from_millis(time))
        });
        written_at.map(|oldest| Self { writes: 1, oldest }).sum()
    }
}

impl Sum for Backlog {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            writes: sum.writes + part.writes,
            oldest: [sum.oldest, part.oldest].into_iter().flatten().min(),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::DateTime;
    use aws_sdk_dynamodbstreams::types::{AttributeValue, StreamRecord};

    use super::*;

    fn record(attribute: &str, seconds: i64) -> Record {
        let change = StreamRecord::builder()
            .new_image(attribute, AttributeValue::S("order.placed".to_owned()))
            .approximate_creation_date_time(DateTime::from_secs(seconds));
        Record::builder().dynamodb(change.build()).build()
    }

    #[test]
    fn only_writes_that_name_events_count() {
        let records = [record("status", 1), record(OUTBOX, 30), record(OUTBOX, 20), record(OUTBOX, 40)];
        let backlog = Backlog::of(&records);
        assert_eq!(backlog, Backlog { writes: 3, oldest: Some(Timestamp::from_millis(20_000)) });
        assert_eq!([backlog, Backlog::default()].into_iter().sum::<Backlog>(), backlog);
    }
}
