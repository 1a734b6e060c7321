//! The HTTP routes.

use std::time::{Duration, Instant};

use orderflow_domain::OrderId;
use orderflow_testing::samples::order_placed;
use serde_json::{Value, json};

use crate::harness::{AnalyticsHarness, at, confirmed};

const SUMMARY: &str = "/api/v1/analytics/summary";

#[tokio::test]
async fn a_series_shows_when_orders_were_placed_and_confirmed() {
    let analytics = AnalyticsHarness::open().await;
    let order = OrderId::generate();
    let items = [("A", 3)];
    let events = [order_placed(order, &items, at("10:00:59")), confirmed(order, &items, at("10:02:00"))];
    analytics.deliver_all(&events).await;
    let path = "/api/v1/analytics/series?bucket=minute&from=2026-11-20T10:00:30Z&to=2026-11-20T10:02:00Z";
    let (status, body) = analytics.get(path).await;
    let point = |minute: &str, orders: i64, confirmed: i64, revenue: i64| {
        json!({"start": format!("2026-11-20T{minute}:00.000Z"), "orders": orders, "confirmed": confirmed,
            "revenue": {"amount": revenue, "currency": "USD"}})
    };
    let series = [point("10:00", 1, 0, 0), point("10:01", 0, 0, 0), point("10:02", 0, 1, 300)];
    assert_eq!((status, body), (200, json!({"series": series})));

    let (_, days) = analytics
        .get("/api/v1/analytics/series?bucket=day&from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:00Z")
        .await;
    assert_eq!(days["series"], json!([point("00:00", 1, 1, 300)]));
}

#[tokio::test]
async fn an_invalid_bucket_or_span_is_refused_with_the_field_name() {
    let analytics = AnalyticsHarness::open().await;
    for (query, field) in [
        ("", "bucket"),
        ("bucket=week", "bucket"),
        ("bucket=day&from=yesterday", "from"),
        ("bucket=day&since=2026-11-20T00:00:00Z", "since"),
        ("bucket=day&from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z", "from"),
        ("bucket=minute&from=2026-11-01T00:00:00Z&to=2026-11-20T00:00:00Z", "from"),
    ] {
        let (status, problem) = analytics.get(&format!("/api/v1/analytics/series?{query}")).await;
        assert_eq!(status, 422, "{query}: {problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    let (status, body) = analytics.get("/api/v1/analytics/series?bucket=hour").await;
    assert_eq!((status, body["series"].as_array().map(Vec::len)), (200, Some(24)));
}

#[tokio::test]
async fn a_response_is_cached_for_about_a_second() {
    let analytics = AnalyticsHarness::open().await;
    let client = analytics.client();
    let total = async || -> Value { client.get(SUMMARY).await.1["total_orders"].take() };
    assert_eq!(total().await, 0);
    let before = analytics.service.embedded.requests();
    total().await;
    assert_eq!(
        analytics.service.embedded.requests().since(&before).of("Query"),
        0,
        "the response comes from the cache"
    );
    analytics.deliver_all(&[order_placed(OrderId::generate(), &[("A", 1)], at("10:00:00"))]).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while total().await != 1 {
        assert!(Instant::now() < deadline, "the cached response did not expire");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
