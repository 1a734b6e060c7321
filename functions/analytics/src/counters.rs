//! The counters: which there are, what each counts, and what an update adds to them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use orderflow_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The length of one step of a series. Hours and days are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bucket {
    Minute,
    Hour,
    Day,
}

impl Bucket {
    pub(crate) const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    pub(crate) const fn millis(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }

    /// Returns the start of the bucket that contains `time`.
    pub(crate) fn start(self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().div_euclid(self.millis()) * self.millis())
    }
}

/// Counters that are read together. Those of series come first in the order of all counters, and those of SKUs last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Collection {
    /// One counter for each bucket of a series.
    Series(Bucket),
    /// One counter for all orders, and one for each SKU.
    Summary,
}

impl Collection {
    pub(crate) const ALL: [Self; 4] =
        [Self::Summary, Self::Series(Bucket::Minute), Self::Series(Bucket::Hour), Self::Series(Bucket::Day)];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Series(bucket) => bucket.as_str(),
        }
    }
}

/// The counter of all orders, in [`Collection::Summary`].
pub(crate) const ALL_ORDERS: &str = "orders";

/// The prefix of the name of a SKU's counter, in [`Collection::Summary`].
pub(crate) const SKU_PREFIX: &str = "sku#";

/// The identity of a counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CounterId {
    pub collection: Collection,
    pub name: String,
}

impl CounterId {
    /// Returns whether it counts the units of a SKU.
    pub(crate) fn is_sku(&self) -> bool {
        self.collection == Collection::Summary && self.name.starts_with(SKU_PREFIX)
    }

    /// Returns the name of the counter in a buffer: `*` for all orders, `#` and the SKU, or the first letter of the series and the number of
    /// the bucket since 1970.
    pub(crate) fn short_name(&self) -> String {
        let Collection::Series(bucket) = self.collection else {
            return self
                .name
                .strip_prefix(SKU_PREFIX)
                .map_or_else(|| "*".to_owned(), |sku| format!("#{sku}"));
        };
        let start = Timestamp::parse(&self.name).map_or(0, Timestamp::as_millis);
        format!("{}{}", bucket.letter(), start / bucket.millis())
    }

    /// Parses a [`short_name`](Self::short_name); `None` for any other text.
    pub(crate) fn from_short_name(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self { collection: Collection::Summary, name: ALL_ORDERS.to_owned() });
        }
        if let Some(sku) = text.strip_prefix('#') {
            return Some(Self { collection: Collection::Summary, name: format!("{SKU_PREFIX}{sku}") });
        }
        let bucket = Bucket::ALL.into_iter().find(|bucket| text.starts_with(bucket.letter()))?;
        let number: i64 = text[1..].parse().ok()?;
        let start = Timestamp::from_millis(number.checked_mul(bucket.millis())?);
        Some(Self { collection: Collection::Series(bucket), name: start.to_string() })
    }
}

/// The numbers of one counter. A number that a counter does not use stays 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    /// In the summary, every order of which any event was received; in a series, the orders placed in the bucket.
    pub orders: i64,
    pub confirmed: i64,
    pub rejected: i64,
    pub cancelled: i64,
    /// The sum of the totals of confirmed orders, in minor units.
    pub revenue: i64,
    /// Units of a SKU in confirmed orders.
    pub quantity: i64,
}

impl Counts {
    /// Returns each number with the name of its attribute in the table.
    pub(crate) const fn by_attribute(&self) -> [(&'static str, i64); 6] {
        [
            ("orders", self.orders),
            ("confirmed", self.confirmed),
            ("rejected", self.rejected),
            ("cancelled", self.cancelled),
            ("revenue", self.revenue),
            ("quantity", self.quantity),
        ]
    }
}

/// The numbers as text for a buffer: the units, then the others, without the zeros at the end.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers =
            [self.quantity, self.orders, self.confirmed, self.rejected, self.cancelled, self.revenue];
        let length = numbers.iter().rposition(|number| *number != 0).map_or(1, |last| last + 1);
        let texts: Vec<String> = numbers[..length].iter().map(i64::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl Counts {
    /// Parses the text of a buffer; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(str::parse::<i64>);
        let mut next = || numbers.next().unwrap_or(Ok(0)).ok();
        let (quantity, orders, confirmed) = (next()?, next()?, next()?);
        let (rejected, cancelled, revenue) = (next()?, next()?, next()?);
        Some(Self { orders, confirmed, rejected, cancelled, revenue, quantity })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.confirmed += other.confirmed;
        self.rejected += other.rejected;
        self.cancelled += other.cancelled;
        self.revenue += other.revenue;
        self.quantity += other.quantity;
    }
}

/// The numbers to add to each counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Increments(BTreeMap<CounterId, Counts>);

impl Increments {
    pub(crate) fn add(&mut self, collection: Collection, name: impl Into<String>, counts: Counts) {
        *self.0.entry(CounterId { collection, name: name.into() }).or_default() += counts;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (counter, counts) in other.0 {
            *self.0.entry(counter).or_default() += counts;
        }
    }

    /// Returns the counters that are incremented.
    pub(crate) fn counters(&self) -> Vec<CounterId> {
        self.0.keys().cloned().collect()
    }

    /// Takes the first counters out, at most `count`.
    pub(crate) fn take_first(&mut self, count: usize) -> Vec<(CounterId, Counts)> {
        std::iter::from_fn(|| self.0.pop_first()).take(count).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CounterId, &Counts)> {
        self.0.iter()
    }
}

impl FromIterator<(CounterId, Counts)> for Increments {
    fn from_iter<I: IntoIterator<Item = (CounterId, Counts)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_starts_at_or_before_the_times_it_contains() {
        let start = |bucket: Bucket, time| bucket.start(Timestamp::parse(time).unwrap()).to_string();
        let time = "2026-11-20T23:59:59.999Z";
        assert_eq!(start(Bucket::Minute, time), "2026-11-20T23:59:00.000Z");
        assert_eq!(start(Bucket::Hour, time), "2026-11-20T23:00:00.000Z");
        assert_eq!(start(Bucket::Day, time), "2026-11-20T00:00:00.000Z");
        assert_eq!(start(Bucket::Day, "1969-12-31T12:00:00Z"), "1969-12-31T00:00:00.000Z");
        assert_eq!(start(Bucket::Minute, "2026-11-20T00:00:00Z"), "2026-11-20T00:00:00.000Z");
    }

    #[test]
    fn counters_and_their_counts_are_read_back_from_a_buffer() {
        let minute = CounterId {
            collection: Collection::Series(Bucket::Minute),
            name: "2026-11-20T23:59:00.000Z".to_owned(),
        };
        let sku = CounterId { collection: Collection::Summary, name: "sku#TEA-1".to_owned() };
        let all = CounterId { collection: Collection::Summary, name: ALL_ORDERS.to_owned() };
        for (counter, short) in [(minute, "m29920319"), (sku, "#TEA-1"), (all, "*")] {
            assert_eq!(counter.short_name(), short);
            assert_eq!(CounterId::from_short_name(short), Some(counter));
        }
        assert_eq!(CounterId::from_short_name("w1").or(CounterId::from_short_name("mx")), None);
        let units = Counts { quantity: 3, ..Counts::default() };
        let sold = Counts { orders: 1, confirmed: 2, revenue: -5, ..units };
        for (counts, text) in [(units, "3"), (sold, "3,1,2,0,0,-5"), (Counts::default(), "0")] {
            assert_eq!((counts.to_string().as_str(), Counts::parse(text)), (text, Some(counts)));
        }
        assert_eq!(Counts::parse("1,x"), None);
    }
}
