//! Orders over time.

use std::collections::BTreeMap;

use orderflow_domain::{Currency, Money, Timestamp};
use orderflow_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::counter_reader::CounterReader;
use crate::counters::{Bucket, Collection, Counts};

/// The most buckets of one series: about a day of minutes, or two months of hours.
const MAX_BUCKETS: i64 = 1_500;

/// Consecutive buckets, from the first to the last inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    bucket: Bucket,
    first: Timestamp,
    last: Timestamp,
}

/// The requested times make no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanError {
    #[error("must not be after `to`")]
    Backwards,
    #[error("must be less than {MAX_BUCKETS} buckets before `to`")]
    TooLong,
}

/// The numbers of one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SeriesPoint)]
pub(crate) struct Point {
    /// When the bucket starts.
    start: Timestamp,
    /// Orders that were placed in the bucket.
    orders: i64,
    /// Orders that were confirmed in the bucket, whenever they were placed.
    confirmed: i64,
    /// The sum of the totals of the orders confirmed in the bucket.
    revenue: Money,
}

impl Span {
    /// Returns the span from the bucket of `from` to the bucket of `to`. Without `to` it ends now; without `from` it has 60
    /// minutes, 24 hours or 30 days.
    ///
    /// # Errors
    /// [`SpanError`] if `from` is after `to`, or if the span has more than 1,500 buckets.
    pub(crate) fn new(
        bucket: Bucket,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, SpanError> {
        let last = bucket.start(to.unwrap_or(now));
        let default_length = match bucket {
            Bucket::Minute => 60,
            Bucket::Hour => 24,
            Bucket::Day => 30,
        };
        let default_first = Timestamp::from_millis(last.as_millis() - (default_length - 1) * bucket.millis());
        let first = bucket.start(from.unwrap_or(default_first));
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

    /// Reads the numbers of each bucket, oldest first.
    pub(crate) async fn read(
        &self,
        reader: &CounterReader,
        currency: &Currency,
    ) -> Result<Vec<Point>, StoreError> {
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
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_span_has_a_point_for_every_bucket_empty_ones_included() {
        let (from, to) = (time("2026-11-20T10:59:59Z"), time("2026-11-20T12:00:00Z"));
        let span = Span::new(Bucket::Hour, Some(from), Some(to), to).unwrap();
        let counts = Counts { orders: 3, confirmed: 2, revenue: 500, ..Counts::default() };
        let counts = BTreeMap::from([("2026-11-20T11:00:00.000Z".to_owned(), counts)]);
        let points = span.points(&counts, &Currency::parse("USD").unwrap());
        let actual: Vec<_> =
            points.iter().map(|p| (p.start.to_string(), p.orders, p.confirmed, p.revenue.amount)).collect();
        let expected = [
            ("2026-11-20T10:00:00.000Z".to_owned(), 0, 0, 0),
            ("2026-11-20T11:00:00.000Z".to_owned(), 3, 2, 500),
            ("2026-11-20T12:00:00.000Z".to_owned(), 0, 0, 0),
        ];
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_span_ends_now_by_default() {
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
    fn a_span_that_is_backwards_or_too_long_is_an_error() {
        let (early, late) = (time("2026-11-20T10:00:00Z"), time("2026-11-21T11:00:00Z"));
        let span = |bucket, from, to| Span::new(bucket, Some(from), Some(to), late);
        assert_eq!(span(Bucket::Hour, late, early), Err(SpanError::Backwards));
        assert_eq!(span(Bucket::Minute, early, late), Err(SpanError::TooLong));
        assert_eq!(span(Bucket::Minute, time("2026-11-20T10:01:00Z"), late).unwrap().steps(), 1_499);
        assert_eq!(span(Bucket::Day, late, late).unwrap().steps(), 0);
    }
}
