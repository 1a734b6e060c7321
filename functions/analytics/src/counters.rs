//! The counters: which there are, what each counts, and what an update adds to them.

use std::collections::BTreeMap;
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

    /// Returns the start of the bucket that contains `time`.
    pub(crate) fn start(self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().div_euclid(self.millis()) * self.millis())
    }
}

/// Counters that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Collection {
    /// One counter for all orders, and one for each SKU.
    Summary,
    /// One counter for each bucket of a series.
    Series(Bucket),
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

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CounterId, &Counts)> {
        self.0.iter()
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
}
