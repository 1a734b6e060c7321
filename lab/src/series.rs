//! A measurement over time: orders a second, and latencies.

use std::time::Duration;

use crate::load::Orders;
use crate::notified::{Clocks, Notified};
use crate::plot::Line;
use crate::statistics::{Latencies, per_second};

/// The number of periods into which a measurement is divided.
const PERIODS: u32 = 60;

/// The shortest period.
const PERIOD_MIN: Duration = Duration::from_millis(100);

/// A measurement, period by period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    period: Duration,
    accepted: Vec<usize>,
    notified: Vec<usize>,
    /// The latencies of the orders that were planned in the period.
    post: Vec<Vec<Duration>>,
    end_to_end: Vec<Vec<Duration>>,
    /// The latencies of all orders.
    pub all_post: Latencies,
    pub all_end_to_end: Latencies,
}

impl Series {
    /// Divides a measurement of this length.
    pub(crate) fn new(
        orders: &Orders,
        notified: &[Option<Notified>],
        clocks: &Clocks,
        total: Duration,
    ) -> Self {
        let Some((start, _)) = orders.span else { return Self::default() };
        let period = (total / PERIODS).max(PERIOD_MIN);
        let mut series = Self { period, ..Self::default() };
        for (order, notified) in orders.placed.iter().zip(notified) {
            let planned = series.period_of(order.planned.duration_since(start));
            let answered = series.period_of(order.answered.duration_since(start));
            let latency = order.answered.duration_since(order.planned);
            at(&mut series.post, planned).push(latency);
            series.all_post.record(latency);
            *at(&mut series.accepted, answered) += 1;
            if let Some(notified) = notified {
                let latency = clocks.since(order.planned, notified.at_us);
                let end = series.period_of(order.planned.duration_since(start) + latency);
                at(&mut series.end_to_end, planned).push(latency);
                series.all_end_to_end.record(latency);
                *at(&mut series.notified, end) += 1;
            }
        }
        series
    }

    fn period_of(&self, since_start: Duration) -> usize {
        usize::try_from(since_start.as_nanos() / self.period.as_nanos().max(1)).unwrap_or(usize::MAX)
    }

    /// Returns the orders a second over time: accepted, and notified.
    pub(crate) fn rates(&self) -> Vec<Line> {
        let line = |name, counts: &[usize]| {
            let rate =
                |(number, count): (usize, &usize)| (self.middle(number), per_second(*count, self.period));
            Line { name, points: counts.iter().enumerate().map(rate).collect() }
        };
        vec![line("accepted", &self.accepted), line("notified", &self.notified)]
    }

    /// Returns the latencies of the orders of each period: median and 99 % quantile of both.
    pub(crate) fn latencies(&self) -> Vec<Line> {
        let line = |name, latencies: &[Vec<Duration>], of: fn(&crate::Quantiles) -> f64| {
            let point = |(number, latencies): (usize, &Vec<Duration>)| {
                let latencies: Latencies = latencies.iter().copied().collect();
                Some((self.middle(number), of(&latencies.quantiles()?)))
            };
            Line { name, points: latencies.iter().enumerate().filter_map(point).collect() }
        };
        vec![
            line("POST, p50", &self.post, |quantiles| quantiles.p50),
            line("POST, p99", &self.post, |quantiles| quantiles.p99),
            line("to notified, p50", &self.end_to_end, |quantiles| quantiles.p50),
            line("to notified, p99", &self.end_to_end, |quantiles| quantiles.p99),
        ]
    }

    /// Returns the middle of a period in seconds since the start.
    #[expect(clippy::cast_precision_loss, reason = "a measurement has few periods")]
    fn middle(&self, number: usize) -> f64 {
        (number as f64 + 0.5) * self.period.as_secs_f64()
    }
}

/// Returns the value of a period, and adds those before it that are missing. A measurement has few periods: those of its whole length.
fn at<T: Default + Clone>(values: &mut Vec<T>, number: usize) -> &mut T {
    if values.len() <= number {
        values.resize(number + 1, T::default());
    }
    &mut values[number]
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::load::Placed;
    use crate::notified::Outcome;

    #[test]
    fn orders_are_in_the_periods_of_their_answers_and_latencies_in_those_of_their_times() {
        let (start, clocks) = (Instant::now(), Clocks::read());
        let mut orders = Orders::default();
        let placed = |from: u64, to: u64| {
            let (planned, answered) =
                (start + Duration::from_millis(from), start + Duration::from_millis(to));
            Placed { id: String::new(), created_at: String::new(), planned, sent: planned, answered }
        };
        orders.placed = vec![placed(0, 50), placed(50, 350), placed(950, 960)];
        orders.span = Some((start, start + Duration::from_millis(960)));
        let at_us = clocks.micros(start) + 400_000;
        let notified = [None, Some(Notified { at_us, outcome: Outcome::Confirmed }), None];
        let series = Series::new(&orders, &notified, &clocks, Duration::from_secs(1));
        assert_eq!(
            (series.accepted, series.notified),
            (vec![1, 0, 0, 1, 0, 0, 0, 0, 0, 1], vec![0, 0, 0, 0, 1])
        );
        assert_eq!(series.post[0], [50, 300].map(Duration::from_millis));
        assert!((series.all_end_to_end.quantiles().unwrap().max - 350.0).abs() < 0.1);
        assert_eq!(series.end_to_end.len(), 1);
    }

    #[test]
    fn a_measurement_without_orders_has_empty_lines() {
        let series = Series::new(&Orders::default(), &[], &Clocks::read(), Duration::ZERO);
        assert!(series.rates().iter().chain(&series.latencies()).all(|line| line.points.is_empty()));
    }
}
