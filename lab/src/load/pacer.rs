//! The times at which an open loop sends.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::args::Extent;

/// A planned order: its position in the run, from 0, and its time.
pub(super) type Tick = (u64, Instant);

/// The longest sleep of the thread, so that it notices the end of the run soon.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Returns the time of a position after the start, at a constant rate.
fn offset(position: u64, rate: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
    Duration::from_secs_f64(position as f64 / rate)
}

/// Returns a channel that gets each planned order at its time. The run ends when the channel is closed or dropped.
///
/// A thread waits for the times: the timers of the runtime are a millisecond late, which would be part of every latency.
pub(super) fn start(rate: f64, extent: Extent) -> UnboundedReceiver<Tick> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || pace(rate, extent, &sender));
    receiver
}

fn pace(rate: f64, extent: Extent, ticks: &UnboundedSender<Tick>) {
    let start = Instant::now();
    for position in 0_u64.. {
        let at = offset(position, rate);
        let is_over = match extent {
            Extent::Orders(orders) => position >= orders,
            Extent::Time(time) => at >= time,
        };
        let planned = start + at;
        while !is_over && !ticks.is_closed() {
            match planned.saturating_duration_since(Instant::now()) {
                Duration::ZERO => break,
                left => thread::sleep(left.min(SLEEP_MAX)),
            }
        }
        if is_over || ticks.send((position, planned)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_are_planned_evenly_and_none_comes_early() {
        let mut ticks = start(2_000.0, Extent::Orders(20));
        let (mut count, mut first) = (0, None);
        while let Some((position, planned)) = ticks.recv().await {
            let first = *first.get_or_insert(planned);
            assert_eq!((position, planned - first), (count, Duration::from_micros(500 * count)));
            assert!(Instant::now() >= planned);
            count += 1;
        }
        assert_eq!(count, 20);
    }

    #[tokio::test]
    async fn a_time_limit_plans_as_many_orders_as_fit() {
        let mut ticks = start(1_000.0, Extent::Time(Duration::from_millis(10)));
        let mut count = 0;
        while ticks.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 10);
    }
}
