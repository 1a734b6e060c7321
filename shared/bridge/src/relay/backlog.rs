//! What a relay has still to publish.

use std::iter::Sum;

use aws_sdk_dynamodbstreams::types::Record;
use orderflow_domain::Timestamp;
use orderflow_store::OUTBOX;

/// Writes that were read off a stream and whose events are not published yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are.
    pub writes: u64,
    /// When the oldest of them was made. A stream tells it to the second.
    pub oldest: Option<Timestamp>,
}

impl Backlog {
    /// The writes among these records that name events.
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
    fn only_writes_that_name_events_are_waited_for() {
        let records = [record("status", 1), record(OUTBOX, 30), record(OUTBOX, 20), record(OUTBOX, 40)];
        let backlog = Backlog::of(&records);
        assert_eq!(backlog, Backlog { writes: 3, oldest: Some(Timestamp::from_millis(20_000)) });
        assert_eq!([backlog, Backlog::default()].into_iter().sum::<Backlog>(), backlog);
    }
}
