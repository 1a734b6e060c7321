//! Products that the cache holds.

use std::time::{Duration, Instant};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use metrics_util::{CompositeKey, MetricKind};
use orderflow_testing::samples::sku;
use serde_json::json;

use crate::harness::CatalogHarness;

/// A time to live that no test reaches, and how long a test waits at most.
const MINUTE: Duration = Duration::from_secs(60);

/// Returns the counted hits and misses.
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
    let harness = CatalogHarness::open().await;
    for text in ["A", "B"] {
        harness.create(text, 100).await;
    }
    let other = harness.another_process(MINUTE);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let requests = harness.service.requests_of(async {
        for _ in 0..5 {
            assert_eq!(other.catalog.find(&[sku("A"), sku("B")]).await.unwrap().len(), 2);
            assert_eq!(other.get("/products/a").await.0, 200);
        }
    });
    assert_eq!(requests.await.total(), 1);
    assert_eq!(lookups(&snapshotter), (13, 2));
}

#[tokio::test]
async fn a_process_sees_its_own_changes_at_once() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    assert_eq!(harness.price("A").await, Some(100));
    harness.patch("A", &json!({"price": {"amount": 80, "currency": "USD"}})).await;
    assert_eq!(harness.price("A").await, Some(80));
    harness.remove("A").await;
    assert_eq!(harness.price("A").await, None);
    harness.create("A", 70).await;
    assert_eq!(harness.price("A").await, Some(70));
}

#[tokio::test]
async fn the_change_of_another_process_is_seen_when_the_time_to_live_is_over() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let (brief, long) =
        (harness.another_process(Duration::from_millis(100)), harness.another_process(MINUTE * 60));
    assert_eq!((brief.price("A").await, long.price("A").await), (Some(100), Some(100)));
    harness.patch("A", &json!({"price": {"amount": 80, "currency": "USD"}})).await;
    assert_eq!(long.price("A").await, Some(100), "it is cached");
    let deadline = Instant::now() + MINUTE;
    while brief.price("A").await != Some(80) {
        assert!(Instant::now() < deadline, "the change is not seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_sku_that_is_not_for_sale_is_read_from_the_store_each_time() {
    let harness = CatalogHarness::open().await;
    let other = harness.another_process(MINUTE);
    assert_eq!(other.price("A").await, None);
    harness.create("A", 100).await;
    assert_eq!(other.price("A").await, Some(100));
    other.remove("A").await;
    assert_eq!(other.price("A").await, None);
    harness.create("A", 70).await;
    assert_eq!(other.price("A").await, Some(70), "another process created it again");
}
