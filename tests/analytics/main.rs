//! The summary of analytics equals a count of the orders.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod orders;
mod repeating;

use std::time::{Duration, Instant};

use orderflow_domain::Timestamp;
use orderflow_system::rebuild_analytics_in;
use orderflow_tests::{Mode, ModeSettings, TestApp};
use serde_json::Value;

use crate::books::recount;
use crate::orders::Orders;
use crate::repeating::RepeatingMode;

/// Longer than the second for which answers are cached.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_summary_equals_a_recount_after_5000_orders_with_every_event_delivered_twice() {
    let mut shop = TestApp { mode: RepeatingMode::start(ModeSettings::default()).await };
    let mut orders = Orders::begin(&mut shop).await;
    for _ in 0..50 {
        let placed = orders.place(&shop, 100).await;
        orders.cancel_some(&shop, &placed).await;
        shop.mode.tell(&orders.reports(&placed)).await;
        shop.mode.deliver_to("order-tracker").await;
        shop.mode.deliver_to("analytics").await;
    }
    assert!(shop.mode.repeated() > 9_000, "{}", shop.mode.repeated());
    assert_counted(&shop, 5_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_summary_equals_a_recount_after_every_consumer_got_every_event_twice() {
    let mut shop = TestApp { mode: RepeatingMode::start(ModeSettings::default()).await };
    let mut orders = Orders::begin(&mut shop).await;
    for _ in 0..4 {
        let placed = orders.place(&shop, 60).await;
        shop.mode.step().await;
        orders.cancel_some(&shop, &placed).await;
    }
    shop.wait_until_idle().await;
    orders.place(&shop, 20).await;
    shop.mode.deliver_to("analytics").await;
    assert_counted(&shop, 260).await;
}

/// Checks that the summary equals a count of the orders, and that a rebuild finds the same.
async fn assert_counted(shop: &TestApp<RepeatingMode>, orders: i64) {
    let expected = recount(shop).await;
    assert_eq!(expected["total_orders"], orders);
    for status in ["pending", "confirmed", "rejected", "cancelled"] {
        let count = expected["by_status"][status].as_i64().unwrap();
        assert!(count * 20 >= orders, "the orders do not have all outcomes: {expected}");
    }
    let (summary, counted_at) = summary_where(shop, |summary, _| *summary == expected).await;
    let series = minutes(shop, 100).await;
    let numbers = |path: &str| -> Vec<i64> {
        series.iter().map(|point| point.pointer(path).unwrap().as_i64().unwrap()).collect()
    };
    assert_eq!(numbers("/orders").iter().sum::<i64>(), orders);
    assert_eq!(summary["by_status"]["confirmed"], numbers("/confirmed").iter().sum::<i64>());
    assert_eq!(summary["revenue"]["amount"], numbers("/revenue/amount").iter().sum::<i64>());

    assert_eq!(rebuild_analytics_in(shop.mode.store()).await.unwrap(), usize::try_from(orders).unwrap());
    let (summary, _) = summary_where(shop, |_, rebuilt_at| *rebuilt_at != counted_at).await;
    assert_eq!(summary, expected);
    // Answers are cached by their query.
    assert_eq!(minutes(shop, 101).await, series);
}

/// Waits for a summary that satisfies the condition, and returns it without its time, and its time.
async fn summary_where(
    shop: &TestApp<RepeatingMode>,
    is_expected: impl Fn(&Value, &Value) -> bool,
) -> (Value, Value) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut summary = shop.get("/api/v1/analytics/summary").await.expect(200).body;
        let time = summary["last_updated"].take();
        if is_expected(&summary, &time) {
            return (summary, time);
        }
        assert!(Instant::now() < deadline, "the summary stays {summary}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns the minutes with orders, of the last so many minutes.
async fn minutes(shop: &TestApp<RepeatingMode>, count: i64) -> Vec<Value> {
    let from = Timestamp::from_millis(Timestamp::now().as_millis() - count * 60_000);
    let answer = shop.get(&format!("/api/v1/analytics/series?bucket=minute&from={from}")).await.expect(200);
    let mut series = answer.body["series"].as_array().unwrap().clone();
    series.retain(|point| point["orders"] != 0 || point["confirmed"] != 0);
    series
}
