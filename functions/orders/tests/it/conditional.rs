//! Cancellations on the condition of the version that the client has.

use axum::http::Request;
use orderflow_testing::service::without_body;
use serde_json::Value;

use crate::harness::IntakeHarness;

async fn cancel(harness: &IntakeHarness, path: &str, if_match: &str) -> (u16, Value) {
    harness.client.send(without_body(Request::delete(path).header("if-match", if_match))).await
}

#[tokio::test]
async fn an_order_is_cancelled_only_in_the_version_that_if_match_names() {
    let harness = IntakeHarness::open().await;
    let path = format!("/api/v1/orders/{}", harness.order("C1", &["A"]).await);
    let etag = harness.client.etag(&path).await;
    for (if_match, status) in [("\"999\"", 412), (&format!("W/{etag}"), 412), ("999", 400), ("\"1", 400)] {
        let requests = harness.service.requests_of(async {
            let (found, problem) = cancel(&harness, &path, if_match).await;
            assert_eq!((found, &problem["status"]), (status, &status.into()), "{if_match}: {problem}");
        });
        assert_eq!(requests.await.of("PutItem"), 0);
        assert_eq!(harness.client.get(&path).await.1["status"], "pending");
    }
    let (status, order) = cancel(&harness, &path, &format!("\"999\", {etag}")).await;
    assert_eq!((status, &order["status"]), (200, &"cancelled".into()), "{order}");
    assert_eq!(cancel(&harness, &path, &etag).await.0, 412, "the order has a new version");
    assert_eq!(cancel(&harness, &path, "*").await.0, 200);
    assert_eq!(cancel(&harness, "/api/v1/orders/0190163d-8694-739b-aea5-966c26f8ad91", "*").await.0, 404);
}
