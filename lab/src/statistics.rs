//! Latencies: recorded in a histogram, and summarised as quantiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that the histogram tells apart from longer ones, in microseconds: a day.
const LONGEST_US: u64 = 86_400_000_000;

/// Latencies, to the microsecond and within 0.1 %.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    longest_us: u64,
}

/// Quantiles of latencies in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// Nine of ten are at most this long.
    pub p90: f64,
    /// 99 of a hundred are at most this long.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are valid");
        Self { histogram, longest_us: 0 }
    }
}

impl Latencies {
    /// Adds a latency.
    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.longest_us = self.longest_us.max(micros);
        self.histogram.saturating_record(micros.max(1));
    }

    /// Returns the quantiles; `None` without latencies.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        (!self.histogram.is_empty()).then(|| Quantiles {
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            max: millis(self.longest_us),
        })
    }

    /// Returns the latency in milliseconds that this share of all does not exceed; `None` if no latency is rarer than that.
    #[expect(clippy::cast_precision_loss, reason = "counts of orders are far below 2^53")]
    pub(crate) fn at(&self, share: f64) -> Option<f64> {
        let is_known = (1.0 - share) * self.histogram.len() as f64 >= 1.0;
        is_known.then(|| self.quantile(share))
    }

    /// Returns the latency in milliseconds that this share of all does not exceed. The buckets of the histogram have a width, and no quantile
    /// is longer than the longest latency.
    fn quantile(&self, share: f64) -> f64 {
        millis(self.histogram.value_at_quantile(share).min(self.longest_us))
    }
}

/// Returns microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "a day in microseconds is below 2^53")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(latencies: I) -> Self {
        let mut recorded = Self::default();
        latencies.into_iter().for_each(|latency| recorded.record(latency));
        recorded
    }
}

/// Returns how many a second, 0 in no time.
#[expect(clippy::cast_precision_loss, reason = "counts of orders are far below 2^53")]
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

/// Rounds for display and JSON: more digits would only be noise.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Quantiles {
        let latencies: Latencies = micros.into_iter().map(Duration::from_micros).collect();
        latencies.quantiles().unwrap()
    }

    fn is_near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= expected * 0.001 + 0.001
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_latencies() {
        let found = of((1..=1_000).rev().map(|millis| millis * 1_000));
        for (found, expected) in
            [(found.p50, 500.0), (found.p90, 900.0), (found.p99, 990.0), (found.max, 1_000.0)]
        {
            assert!(is_near(found, expected), "{found} is not {expected}");
        }
    }

    #[test]
    fn the_longest_latency_is_exact_and_no_quantile_exceeds_it() {
        let found = of([1_234_567]);
        assert_eq!(found, Quantiles { p50: found.max, p90: found.max, p99: found.max, max: 1_234.567 });
    }

    #[test]
    fn one_slow_order_of_a_hundred_moves_only_the_maximum() {
        let found = of(std::iter::repeat_n(2_000, 199).chain([5_000_000]));
        assert!(is_near(found.p50, 2.0) && is_near(found.p99, 2.0), "{found:?}");
        assert!(is_near(found.max, 5_000.0), "{found:?}");
    }

    #[test]
    fn nothing_has_no_quantiles_and_extreme_latencies_are_kept() {
        assert_eq!(Latencies::default().quantiles(), None);
        assert_eq!(of([0]).max, 0.0);
        assert!(of([u64::MAX]).p50 >= 86_400_000.0);
    }

    #[test]
    fn no_time_gives_no_rate() {
        assert_eq!((per_second(5, Duration::ZERO), per_second(5, Duration::from_secs(2))), (0.0, 2.5));
    }
}
