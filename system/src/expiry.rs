//! `order-expiry` as a periodic task of this process.

use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_orders::{ExpirySettings, OrderExpiry, Swept};
use orderflow_store::{Store, StoreError};
use tokio::sync::watch;

use super::health::Activity;
use super::parts::ORDER_EXPIRY;

/// The shortest and the longest interval between sweeps. Between them it is a tenth of the shorter time limit of [`ExpirySettings`].
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// Periodically resends the events of stuck orders, and cancels orders that stay undecided too long.
pub(crate) struct Sweeper {
    expiry: OrderExpiry,
    interval: Duration,
    activity: Activity,
}

impl Sweeper {
    pub(crate) fn new(store: &Store, settings: ExpirySettings, activity: Activity) -> Self {
        let interval = (settings.shortest() / 10).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        Self { expiry: OrderExpiry::new(store, settings), interval, activity }
    }

    /// Runs one sweep, as of `now`.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        self.expiry.sweep(now, LONGEST_INTERVAL).await
    }

    /// Sweeps until `stop` becomes true. The first sweep waits for one interval, so that orders which were open while no process ran can
    /// continue by themselves. An interrupted sweep leaves the rest to the next one.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let _working = self.activity.watch(ORDER_EXPIRY, stop.clone());
        let stopped = async move {
            // An error means that the sender was dropped, which stops it too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let sweeping = async {
            let mut is_failing = false;
            loop {
                tokio::time::sleep(self.interval).await;
                match self.sweep(Timestamp::now()).await {
                    Ok(_) => {
                        self.activity.succeeded();
                        if std::mem::take(&mut is_failing) {
                            tracing::info!(service = ORDER_EXPIRY, "open orders are swept again");
                        }
                    }
                    Err(error) => {
                        self.activity.failed(error.to_string());
                        if !std::mem::replace(&mut is_failing, true) {
                            tracing::warn!(service = ORDER_EXPIRY, %error, "sweep of open orders failed; the next sweep retries");
                        }
                    }
                }
            }
        };
        tokio::select! {
            () = stopped => {}
            () = sweeping => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orderflow_engine::{Engine, Location, Options};

    use super::*;

    fn sweeper(resend_after: Duration, expires_after: Duration) -> Sweeper {
        let engine = Engine::open(Options::new(Location::Memory)).unwrap();
        let store = Store::new(Arc::new(engine), "test");
        Sweeper::new(&store, ExpirySettings { resend_after, expires_after }, Activity::default())
    }

    #[test]
    fn the_interval_is_a_tenth_of_the_shorter_limit_within_bounds() {
        let seconds = Duration::from_secs;
        for (resend_after, expires_after, interval) in [
            (seconds(120), seconds(1_800), seconds(12)),
            (seconds(120), seconds(10), seconds(1)),
            (Duration::ZERO, seconds(10), SHORTEST_INTERVAL),
            (Duration::MAX, Duration::MAX, LONGEST_INTERVAL),
        ] {
            assert_eq!(sweeper(resend_after, expires_after).interval, interval);
        }
    }

    #[tokio::test]
    async fn failing_sweeps_end_nothing_and_being_stopped_does() {
        // Without tables every sweep fails.
        let sweeper = sweeper(Duration::ZERO, Duration::ZERO);
        assert!(sweeper.sweep(Timestamp::now()).await.is_err());
        let (stop, stopped) = watch::channel(false);
        let activity = sweeper.activity.clone();
        let running = sweeper.run(stopped);
        tokio::pin!(running);
        assert!(tokio::time::timeout(SHORTEST_INTERVAL * 4, &mut running).await.is_err(), "it goes on");
        stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(60), running).await.unwrap();
        assert!(!activity.has_ended());
        assert!(activity.health().reason.is_some());
    }
}
