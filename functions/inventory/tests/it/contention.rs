//! Clients and consumers change one stock level at the same time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use orderflow_domain::OrderId;
use serde_json::json;

use crate::harness::{InventoryHarness, cancelled, placed};

const CLIENTS: usize = 20;
const DURATION: Duration = Duration::from_secs(10);
const FIRST_STOCK: i64 = 60;

/// Sums of the corrections that clients have sent (`adding`, `taking`) and of those that were answered with success (`added`, `taken`).
#[derive(Clone, Copy, Default)]
struct Sums {
    adding: i64,
    added: i64,
    taking: i64,
    taken: i64,
}

struct Contest {
    harness: InventoryHarness,
    sums: Mutex<Sums>,
}

impl Contest {
    /// Reads the level and checks that it contains every answered correction. Corrections that are not answered yet may be in it.
    async fn check_level(&self) {
        let before = *self.sums.lock().unwrap();
        let (_, level) = self.harness.read("A").await;
        let after = *self.sums.lock().unwrap();
        let (available, reserved) =
            (level["available"].as_i64().unwrap(), level["reserved"].as_i64().unwrap());
        assert!(available >= 0 && reserved >= 0, "{level}");
        let least = FIRST_STOCK + before.added - after.taking;
        let most = FIRST_STOCK + after.adding - before.taken;
        assert!((least..=most).contains(&(available + reserved)), "{level} is not within {least} to {most}");
    }

    /// Corrects the level once; sometimes sends the same request again.
    async fn adjust(&self, units: i64, key: &str) {
        let record = |change: fn(&mut Sums, i64)| change(&mut self.sums.lock().unwrap(), units);
        record(|sums, units| if units > 0 { sums.adding += units } else { sums.taking -= units });
        let body = json!({"adjust": units});
        let status = loop {
            match self.harness.correct("A", Some(key), &body).await.0 {
                503 => {}
                status => break status,
            }
        };
        match status {
            200 => record(|sums, units| if units > 0 { sums.added += units } else { sums.taken -= units }),
            409 => record(|sums, units| sums.taking += units),
            other => panic!("{other}"),
        }
        if status == 200 && fastrand::bool() {
            assert_eq!(self.harness.correct("A", Some(key), &body).await.0, 200);
        }
    }

    /// Adjusts, places and cancels until `end`. Returns the orders that it did not cancel.
    async fn client(&self, number: usize, end: Instant) -> Vec<OrderId> {
        let mut held = Vec::new();
        for step in 0.. {
            if Instant::now() >= end {
                break;
            }
            match fastrand::u8(0..4) {
                0 => self.adjust(fastrand::i64(1..=3), &format!("{number}-{step}")).await,
                1 => self.adjust(-fastrand::i64(1..=3), &format!("{number}-{step}")).await,
                2 => {
                    let order = OrderId::generate();
                    let quantity = fastrand::i64(1..=5);
                    self.harness.deliver_until_done(vec![placed(order, &[("A", quantity)])]).await;
                    held.push(order);
                }
                _ => {
                    let order = held.pop().unwrap_or_else(OrderId::generate);
                    self.harness.deliver_until_done(vec![cancelled(order)]).await;
                }
            }
            self.check_level().await;
        }
        held
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h04_levels_add_up_at_every_read_while_clients_adjust_reserve_and_cancel() {
    let harness = InventoryHarness::with_stock(&[("A", FIRST_STOCK)]).await;
    let contest = Arc::new(Contest { harness, sums: Mutex::default() });
    let end = Instant::now() + DURATION;
    let clients = (0..CLIENTS).map(|number| {
        let contest = contest.clone();
        tokio::spawn(async move { contest.client(number, end).await })
    });
    let left = join_all(clients).await.into_iter().flat_map(Result::unwrap);
    let (sums, harness) = (*contest.sums.lock().unwrap(), &contest.harness);
    assert_eq!((sums.adding, sums.taking), (sums.added, sums.taken), "every correction is answered");
    let (available, reserved) = harness.level("A").await.unwrap();
    assert_eq!(available + reserved, FIRST_STOCK + sums.added - sums.taken);
    harness.deliver_until_done(left.map(cancelled).collect()).await;
    assert_eq!(harness.level("A").await, Some((available + reserved, 0)));
}
