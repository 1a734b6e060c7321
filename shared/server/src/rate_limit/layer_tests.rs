use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::RETRY_AFTER;
use tower::ServiceExt;

use super::*;

/// Stands for the layer that verifies tokens: the header `x-subject` names the caller.
async fn admitting(request: Request, next: Next) -> Response {
    let subject = request.headers().get("x-subject").and_then(|value| value.to_str().ok());
    let caller = subject.map(|subject| Caller::new(subject.to_owned(), []));
    match Admission::admit(request.extensions(), caller.as_ref()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn router(limits: &RateLimits) -> Router {
    let mut routes = Router::new().route("/api", get(async || "api"));
    for path in EXEMPT {
        routes = routes.route(path, get(async || "healthy"));
    }
    limits.guard(routes.layer(axum::middleware::from_fn(admitting)))
}

async fn send(router: &Router, path: &str, peer: &str, subject: Option<&str>) -> Response {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = Request::get(path).extension(ConnectInfo(peer));
    if let Some(subject) = subject {
        request = request.header("x-subject", subject);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn limits(per_caller: Option<u32>, global: Option<u32>) -> RateLimits {
    let rate = |burst| Rate { per_second: 1, burst };
    RateLimits { per_caller: per_caller.map(rate), global: global.map(rate), trusted_proxies: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn a_subject_is_counted_wherever_it_calls_from_and_an_address_whatever_its_port() {
    let router = router(&limits(Some(2), None));
    for (peer, subject, remaining) in [
        ("192.0.2.1:1", None, "1"),
        ("192.0.2.1:2", None, "0"),
        ("192.0.2.1:3", Some("C1"), "1"),
        ("192.0.2.2:1", Some("C1"), "0"),
        ("192.0.2.2:1", Some("C2"), "1"),
        ("[2001:db8::1]:1", None, "1"),
        ("[2001:db8::2]:1", None, "0"),
        ("[2001:db8:0:1::1]:1", None, "1"),
    ] {
        let response = send(&router, "/api", peer, subject).await;
        assert_eq!(response.status(), 200, "{peer} {subject:?}");
        assert_eq!(response.headers()["ratelimit-remaining"], remaining, "{peer} {subject:?}");
    }
    for (peer, subject) in [("192.0.2.1:9", None), ("192.0.2.9:9", Some("C1")), ("[2001:db8::3]:1", None)] {
        let response = send(&router, "/api", peer, subject).await;
        assert_eq!(response.status(), 429, "{peer} {subject:?}");
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
    for path in EXEMPT {
        assert_eq!(send(&router, path, "192.0.2.1:1", None).await.status(), 200, "{path}");
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(send(&router, "/api", "192.0.2.1:1", None).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn all_callers_share_the_global_limit_and_a_refused_caller_takes_nothing_of_it() {
    let router = router(&limits(Some(2), Some(4)));
    for _ in 0..10 {
        send(&router, "/api", "192.0.2.1:1", None).await;
    }
    for status in [200, 200, 429] {
        let response = send(&router, "/api", "192.0.2.2:1", None).await;
        assert_eq!(response.status(), status);
    }
    let response = send(&router, "/api", "192.0.2.3:1", None).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["ratelimit-limit"], "4");
}

#[tokio::test]
async fn nothing_is_added_without_limits() {
    let response = send(&router(&RateLimits::default()), "/api", "192.0.2.1:1", None).await;
    assert!(!response.headers().contains_key("ratelimit-limit"));
}
