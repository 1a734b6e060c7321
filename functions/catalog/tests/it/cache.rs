//! Products that are remembered.

use std::time::{Duration, Instant};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use metrics_util::{CompositeKey, MetricKind};
use serde_json::json;

use crate::support::{Shop, sku};

const PATIENCE: Duration = Duration::from_secs(60);

/// Hits and misses.
fn lookups(snapshotter: &Snapshotter) -> (u64, u64) {
    let counted = snapshotter.snapshot().into_hashmap();
    let count = |outcome: &'static str| {
        let labels = vec![metrics::Label::new("outcome", outcome)];
        let key = metrics::Key::from_parts("catalog_cache_lookups_total", labels);
        let (.., value) = &counted[&CompositeKey::new(MetricKind::Counter, key)];
        let DebugValue::Counter(count) = value else { panic!("no counter: {value:?}") };
        *count
    };
    (count("hit"), count("miss"))
}

#[tokio::test]
async fn a_product_is_read_once_and_hits_and_misses_are_counted() {
    let shop = Shop::open().await;
    for text in ["A", "B"] {
        shop.create(text, 100).await;
    }
    let elsewhere = shop.elsewhere(PATIENCE);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let requests = shop.requests_of(async {
        for _ in 0..5 {
            assert_eq!(elsewhere.catalog.find(&[sku("A"), sku("B")]).await.unwrap().len(), 2);
            assert_eq!(elsewhere.get("/products/a").await.0, 200);
        }
    });
    assert_eq!(requests.await.total(), 1);
    assert_eq!(lookups(&snapshotter), (13, 2));
}

#[tokio::test]
async fn what_this_process_changes_it_sees_at_once() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    assert_eq!(shop.price("A").await, Some(100));
    shop.patch("A", &json!({"price": {"amount": 80, "currency": "USD"}})).await;
    assert_eq!(shop.price("A").await, Some(80));
    shop.remove("A").await;
    assert_eq!(shop.price("A").await, None);
    shop.create("A", 70).await;
    assert_eq!(shop.price("A").await, Some(70));
}

#[tokio::test]
async fn what_another_process_changes_is_seen_when_the_time_is_over() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    let (brief, long) = (shop.elsewhere(Duration::from_millis(100)), shop.elsewhere(PATIENCE * 60));
    assert_eq!((brief.price("A").await, long.price("A").await), (Some(100), Some(100)));
    shop.patch("A", &json!({"price": {"amount": 80, "currency": "USD"}})).await;
    assert_eq!(long.price("A").await, Some(100), "it is remembered");
    let deadline = Instant::now() + PATIENCE;
    while brief.price("A").await != Some(80) {
        assert!(Instant::now() < deadline, "the change is never seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn that_a_product_is_not_sold_is_never_remembered() {
    let shop = Shop::open().await;
    let elsewhere = shop.elsewhere(PATIENCE);
    assert_eq!(elsewhere.price("A").await, None);
    shop.create("A", 100).await;
    assert_eq!(elsewhere.price("A").await, Some(100));
    elsewhere.remove("A").await;
    assert_eq!(elsewhere.price("A").await, None);
    shop.create("A", 70).await;
    assert_eq!(elsewhere.price("A").await, Some(70), "brought back by another process");
}
