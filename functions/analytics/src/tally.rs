//! Numbers that are added to counters.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Deserialize;

use crate::bucket::Bucket;

/// Counters that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Collection {
    /// Of all orders together, and of each sku.
    Summary,
    /// Of each bucket of a series.
    Series(Bucket),
}

impl Collection {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Series(bucket) => bucket.as_str(),
        }
    }
}

/// A counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counter {
    pub collection: Collection,
    pub name: String,
}

/// What a counter counts; what does not apply to one stays 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    /// Orders: in the summary all that were heard of, in a series those that were placed.
    pub orders: i64,
    pub confirmed: i64,
    pub rejected: i64,
    pub cancelled: i64,
    /// The totals of confirmed orders, in minor units.
    pub revenue: i64,
    /// Units of a sku in confirmed orders.
    pub quantity: i64,
}

impl Counts {
    /// The numbers by the names of their attributes.
    pub(crate) const fn named(&self) -> [(&'static str, i64); 6] {
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

/// What is to be added to which counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Counter, Counts>);

impl Tally {
    pub(crate) fn add(&mut self, collection: Collection, name: impl Into<String>, counts: Counts) {
        *self.0.entry(Counter { collection, name: name.into() }).or_default() += counts;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (counter, counts) in other.0 {
            *self.0.entry(counter).or_default() += counts;
        }
    }

    /// How many counters it would have together with another one.
    pub(crate) fn len_with(&self, other: &Self) -> usize {
        self.0.len() + other.0.keys().filter(|counter| !self.0.contains_key(counter)).count()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Counter, &Counts)> {
        self.0.iter()
    }
}
