//! How orders went over time.

use std::collections::BTreeMap;

use orderflow_domain::{Currency, Money, Timestamp};
use orderflow_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bucket::Bucket;
use crate::reader::Reader;
use crate::tally::{Collection, Counts};

/// The most buckets that are told at once: a day of minutes, two months of hours.
const MAX_BUCKETS: i64 = 1_500;

/// The buckets from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    bucket: Bucket,
    first: Timestamp,
    last: Timestamp,
}

/// There is no such span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanError {
    #[error("must not be after `to`")]
    Backwards,
    #[error("must be less than {MAX_BUCKETS} buckets before `to`")]
    TooLong,
}

/// What happened in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SeriesPoint)]
pub(crate) struct Point {
    /// When the bucket begins.
    start: Timestamp,
    /// Orders that were placed then.
    orders: i64,
    /// Orders that were confirmed then, whenever they were placed.
    confirmed: i64,
    /// The totals of the latter.
    revenue: Money,
}

impl Span {
    /// The buckets from that of one time to that of another. Without the latter it goes on until now; without the former it is an hour of
    /// minutes, a day of hours, or thirty days.
    pub(crate) fn new(
        bucket: Bucket,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, SpanError> {
        let last = bucket.start(to.unwrap_or(now));
        let usual = match bucket {
            Bucket::Minute => 60,
            Bucket::Hour => 24,
            Bucket::Day => 30,
        };
        let usual = Timestamp::from_millis(last.as_millis() - (usual - 1) * bucket.millis());
        let first = bucket.start(from.unwrap_or(usual));
        let span = Self { bucket, first, last };
        match span.steps() {
            steps if steps < 0 => Err(SpanError::Backwards),
            steps if steps >= MAX_BUCKETS => Err(SpanError::TooLong),
            _ => Ok(span),
        }
    }

    fn steps(&self) -> i64 {
        (self.last.as_millis() - self.first.as_millis()) / self.bucket.millis()
    }

    /// What happened in each of its buckets, oldest first.
    pub(crate) async fn read(&self, reader: &Reader, currency: &Currency) -> Result<Vec<Point>, StoreError> {
        let (first, last) = (self.first.to_string(), self.last.to_string());
        let counters = reader.read(Collection::Series(self.bucket), &first..=&last).await?;
        Ok(self.points(&counters.counts, currency))
    }

    fn points(&self, counts: &BTreeMap<String, Counts>, currency: &Currency) -> Vec<Point> {
        let starts = (0..=self.steps())
            .map(|step| Timestamp::from_millis(self.first.as_millis() + step * self.bucket.millis()));
        let point = |start: Timestamp| {
            let counts = counts.get(&start.to_string()).copied().unwrap_or_default();
            Point {
                start,
                orders: counts.orders,
                confirmed: counts.confirmed,
                revenue: Money { amount: counts.revenue, currency: currency.clone() },
            }
        };
        starts.map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_span_has_every_bucket_also_those_in_which_nothing_happened() {
        let (from, to) = (time("2026-11-20T10:59:59Z"), time("2026-11-20T12:00:00Z"));
        let span = Span::new(Bucket::Hour, Some(from), Some(to), to).unwrap();
        let counts = Counts { orders: 3, confirmed: 2, revenue: 500, ..Counts::default() };
        let counts = BTreeMap::from([("2026-11-20T11:00:00.000Z".to_owned(), counts)]);
        let points = span.points(&counts, &Currency::parse("USD").unwrap());
        let told: Vec<_> =
            points.iter().map(|p| (p.start.to_string(), p.orders, p.confirmed, p.revenue.amount)).collect();
        let expected = [
            ("2026-11-20T10:00:00.000Z".to_owned(), 0, 0, 0),
            ("2026-11-20T11:00:00.000Z".to_owned(), 3, 2, 500),
            ("2026-11-20T12:00:00.000Z".to_owned(), 0, 0, 0),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_span_ends_now_unless_something_else_is_said() {
        let now = time("2026-11-20T12:34:56Z");
        for (bucket, first, last) in [
            (Bucket::Minute, "2026-11-20T11:35:00Z", "2026-11-20T12:34:00Z"),
            (Bucket::Hour, "2026-11-19T13:00:00Z", "2026-11-20T12:00:00Z"),
            (Bucket::Day, "2026-10-22T00:00:00Z", "2026-11-20T00:00:00Z"),
        ] {
            let span = Span::new(bucket, None, None, now).unwrap();
            assert_eq!((span.first, span.last), (time(first), time(last)));
        }
    }

    #[test]
    fn spans_have_a_direction_and_a_limit() {
        let (early, late) = (time("2026-11-20T10:00:00Z"), time("2026-11-21T11:00:00Z"));
        let span = |bucket, from, to| Span::new(bucket, Some(from), Some(to), late);
        assert_eq!(span(Bucket::Hour, late, early), Err(SpanError::Backwards));
        assert_eq!(span(Bucket::Minute, early, late), Err(SpanError::TooLong));
        assert_eq!(span(Bucket::Minute, time("2026-11-20T10:01:00Z"), late).unwrap().steps(), 1_499);
        assert_eq!(span(Bucket::Day, late, late).unwrap().steps(), 0);
    }
}
