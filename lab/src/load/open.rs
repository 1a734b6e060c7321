//! The open loop: orders are sent at planned times, whether or not earlier ones are answered.
//!
//! An order that finds the most requests open waits, and its latency counts from its planned time. A generator that would send it later, and
//! count from then, would leave out exactly the orders that a stall delays (coordinated omission).

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pacer::{self, Tick};
use super::{Load, Orders, Outcome};
use crate::connection::Connection;

pub(super) async fn run(load: Load, rate: f64) -> Orders {
    let ticks = pacer::start(rate, load.plan.extent);
    let (open_max, stop) = (load.plan.clients, load.stop.clone());
    dispatch(ticks, open_max, stop, |connection, tick| place(load.clone(), connection, tick)).await
}

async fn place(
    load: Load,
    connection: Option<Connection>,
    (position, planned): Tick,
) -> (Connection, Outcome) {
    let mut connection = connection.unwrap_or_else(|| Connection::new(&load.address));
    let outcome = load.place(&mut connection, load.first + position, Some(planned)).await;
    load.progress.inc(1);
    (connection, outcome)
}

/// Sends each tick when it comes, on the connection that was used last, or on a new one; at most `open_max` at the same time.
async fn dispatch<C, F>(
    mut ticks: UnboundedReceiver<Tick>,
    open_max: usize,
    mut stop: watch::Receiver<bool>,
    send: impl Fn(Option<C>, Tick) -> F,
) -> Orders
where
    C: Send + 'static,
    F: Future<Output = (C, Outcome)> + Send + 'static,
{
    let (mut idle, mut open, mut orders) = (Vec::new(), JoinSet::new(), Orders::default());
    let mut is_over = false;
    while !is_over || !open.is_empty() {
        tokio::select! {
            biased;
            Some(sent) = open.join_next() => {
                if let Ok((connection, outcome)) = sent {
                    idle.push(connection);
                    orders.add(outcome);
                }
            }
            _stopped = stop.wait_for(|stop| *stop), if !is_over => is_over = true,
            tick = ticks.recv(), if !is_over && open.len() < open_max => match tick {
                Some(tick) => _ = open.spawn(send(idle.pop(), tick)),
                None => is_over = true,
            },
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::load::Placed;
    use crate::statistics::Latencies;

    const STALL: Duration = Duration::from_millis(100);

    /// Answers at once, except the first order, which stalls.
    async fn stalling((position, planned): Tick) -> (u64, Outcome) {
        let sent = Instant::now();
        if position == 0 {
            sleep(STALL).await;
        }
        let (id, created_at) = (position.to_string(), String::new());
        (position, Ok(Placed { id, created_at, planned, sent, answered: Instant::now() }))
    }

    fn planned(count: u64, every: Duration) -> UnboundedReceiver<Tick> {
        let (sender, ticks) = unbounded_channel();
        let start = Instant::now();
        for position in 0..count {
            sender.send((position, start + every * u32::try_from(position).unwrap())).unwrap();
        }
        ticks
    }

    fn running() -> (watch::Sender<bool>, watch::Receiver<bool>) {
        watch::channel(false)
    }

    #[tokio::test(start_paused = true)]
    async fn the_latency_of_delayed_orders_counts_from_the_time_at_which_they_were_planned() {
        let (_keep, stop) = running();
        // Every order is due within the stall, and the only connection is busy with the first one.
        let ticks = planned(50, Duration::from_millis(1));
        let orders = dispatch(ticks, 1, stop, |_: Option<u64>, tick| stalling(tick)).await;
        assert_eq!(orders.placed.len(), 50);
        let since = |from: fn(&Placed) -> Instant| {
            let latencies: Latencies =
                orders.placed.iter().map(|placed| placed.answered - from(placed)).collect();
            latencies.quantiles().unwrap()
        };
        let (corrected, uncorrected) = (since(|placed| placed.planned), since(|placed| placed.sent));
        assert!(uncorrected.p50 < 1.0 && uncorrected.p90 < 1.0, "only the first order was slow by itself");
        assert!(corrected.p50 >= 74.0 && corrected.p90 >= 94.0, "{corrected:?}");
        assert_eq!(orders.time(), STALL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_of_one_connection_does_not_hold_up_the_others() {
        let (_keep, stop) = running();
        let ticks = planned(50, Duration::ZERO);
        let orders = dispatch(ticks, 2, stop, |_: Option<u64>, tick| stalling(tick)).await;
        let slow = orders.placed.iter().filter(|placed| placed.answered > placed.planned).count();
        assert_eq!((orders.placed.len(), slow), (50, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_used_again() {
        let (_keep, stop) = running();
        let opened = std::sync::atomic::AtomicU64::new(0);
        let orders = dispatch(planned(50, Duration::ZERO), 3, stop, |connection: Option<u64>, tick| {
            if connection.is_none() {
                opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            stalling(tick)
        })
        .await;
        assert_eq!(orders.placed.len(), 50);
        assert!(opened.into_inner() <= 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_run_waits_for_the_open_orders_and_keeps_them() {
        let (stopping, stop) = running();
        let (_never_ends, ticks) = {
            let (sender, ticks) = unbounded_channel();
            sender.send((0, Instant::now())).unwrap();
            (sender, ticks)
        };
        let stopped = async {
            sleep(STALL / 2).await;
            stopping.send_replace(true);
        };
        let (orders, ()) =
            tokio::join!(dispatch(ticks, 4, stop, |_: Option<u64>, tick| stalling(tick)), stopped);
        assert_eq!(orders.placed.len(), 1);
    }
}
