//! Points in time.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::source;

/// A point in time in UTC, to the millisecond. Its text is RFC 3339 of constant length, so that texts sort as times do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

/// A text that is not a valid [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time in RFC 3339 form such as 2026-01-31T12:00:00Z")]
pub struct TimestampError;

impl Timestamp {
    /// Reads the wall clock, truncated to the millisecond.
    pub fn now() -> Self {
        Self::from_millis(source::now_ms())
    }

    /// Returns the time this many milliseconds after 1970. A time outside the years 0 to 9999, which RFC 3339 can write, becomes the nearest
    /// one inside.
    pub fn from_millis(millis: i64) -> Self {
        const FIRST: i64 = -62_167_219_200_000;
        const LAST: i64 = 253_402_300_799_999;
        let time = DateTime::from_timestamp_millis(millis.clamp(FIRST, LAST));
        Self(time.expect("the years 0 to 9999 are within chrono's range"))
    }

    /// Returns the milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Parses RFC 3339 with any offset, truncated to the millisecond.
    ///
    /// # Errors
    /// [`TimestampError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| TimestampError)?;
        Ok(Self::from_millis(time.timestamp_millis()))
    }

    /// Returns the time that has passed since `earlier`; zero when `earlier` is later, which happens when a clock is set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.as_millis() - earlier.as_millis()).unwrap_or(0))
    }

    /// Returns the time this much later.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.as_millis().saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_become_utc() {
        let time = Timestamp::parse("2026-01-31T14:00:00.1239+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-01-31T12:00:00.123Z");
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_age() {
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn texts_sort_as_times_do(a in 0_i64..253_402_300_799_999, b in 0_i64..253_402_300_799_999) {
            let (first, second) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(first.cmp(&second), first.to_string().cmp(&second.to_string()));
            prop_assert_eq!(Timestamp::parse(&first.to_string()).unwrap(), first);
        }
    }
}
