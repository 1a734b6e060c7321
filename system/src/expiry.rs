//! `order-expiry` in this process.

use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_http::HealthCheck;
use orderflow_orders::{ExpirySettings, OrderExpiry, Swept};
use orderflow_store::{Store, StoreError};
use tokio::sync::watch;

use super::liveness::Liveness;
use super::parts::ORDER_EXPIRY;

/// How often orders are swept at most and at least. In between it is ten times in the shorter of the limits.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(30);

/// Sees to orders that stay open too long, every so often.
pub(crate) struct Sweeper {
    expiry: OrderExpiry,
    every: Duration,
    liveness: Liveness,
}

impl Sweeper {
    pub(crate) fn new(store: &Store, settings: ExpirySettings) -> Self {
        let every = (settings.shortest() / 10).clamp(OFTEN, SELDOM);
        Self { expiry: OrderExpiry::new(store, settings), every, liveness: Liveness::new() }
    }

    /// Up while it is at work, or about to be.
    pub(crate) fn health(&self) -> HealthCheck {
        let liveness = self.liveness.clone();
        HealthCheck::new(ORDER_EXPIRY, move || std::future::ready(liveness.is_alive()))
    }

    /// One sweep, as of `now`.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        self.expiry.sweep(now, SELDOM).await
    }

    /// Sweeps until told to stop. Not at once: what stayed open because nothing ran is given the time to go on by itself. A sweep that is
    /// broken off leaves the rest to the next one.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let _working = self.liveness.watch(ORDER_EXPIRY, stop.clone());
        let told_to_stop = async move {
            // An error says that whoever tells it is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let sweeping = async {
            loop {
                tokio::time::sleep(self.every).await;
                if let Err(error) = self.sweep(Timestamp::now()).await {
                    tracing::warn!(service = ORDER_EXPIRY, %error, "open orders are left to the next sweep");
                }
            }
        };
        tokio::select! {
            () = told_to_stop => {}
            () = sweeping => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use orderflow_embedded::{Embedded, Location};
    use orderflow_store::IndependentWrites;

    use super::*;

    fn sweeper(resend_after: Duration, expires_after: Duration) -> Sweeper {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        Sweeper::new(&store, ExpirySettings { resend_after, expires_after })
    }

    #[test]
    fn orders_are_swept_ten_times_in_the_shorter_limit_within_reason() {
        let seconds = Duration::from_secs;
        for (resend_after, expires_after, every) in [
            (seconds(120), seconds(1_800), seconds(12)),
            (seconds(120), seconds(10), seconds(1)),
            (Duration::ZERO, seconds(10), OFTEN),
            (Duration::MAX, Duration::MAX, SELDOM),
        ] {
            assert_eq!(sweeper(resend_after, expires_after).every, every);
        }
    }

    #[tokio::test]
    async fn failing_sweeps_end_nothing_and_being_told_to_stop_does() {
        // There are no tables: every sweep fails.
        let sweeper = sweeper(Duration::ZERO, Duration::ZERO);
        assert!(sweeper.sweep(Timestamp::now()).await.is_err());
        let (stop, stopped) = watch::channel(false);
        let liveness = sweeper.liveness.clone();
        let running = sweeper.run(stopped);
        tokio::pin!(running);
        assert!(tokio::time::timeout(OFTEN * 4, &mut running).await.is_err(), "it goes on");
        stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(60), running).await.unwrap();
        assert!(liveness.is_alive());
    }
}
