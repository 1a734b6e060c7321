//! The buckets of a series.

use orderflow_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long each step of a series is. Hours and days are those of UTC.
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

    /// The beginning of the bucket that a time is in.
    pub(crate) fn start(self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().div_euclid(self.millis()) * self.millis())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_that_begins_before_it() {
        let start = |bucket: Bucket, time| bucket.start(Timestamp::parse(time).unwrap()).to_string();
        let time = "2026-11-20T23:59:59.999Z";
        assert_eq!(start(Bucket::Minute, time), "2026-11-20T23:59:00.000Z");
        assert_eq!(start(Bucket::Hour, time), "2026-11-20T23:00:00.000Z");
        assert_eq!(start(Bucket::Day, time), "2026-11-20T00:00:00.000Z");
        assert_eq!(start(Bucket::Day, "1969-12-31T12:00:00Z"), "1969-12-31T00:00:00.000Z");
        assert_eq!(start(Bucket::Minute, "2026-11-20T00:00:00Z"), "2026-11-20T00:00:00.000Z");
    }
}
