use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;

use super::*;
use crate::test_client::{Answer, send};
use crate::{AllowedHosts, Guard};

const ORIGINS: &str = "https://Shop.example:443, http://localhost:3000";

async fn request(origins: &str, method: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = || async { "answered" };
    let router = Router::new().route("/", get(answer).post(answer));
    let guard = Guard::new(AllowedHosts::default(), CorsOrigins::parse(origins).unwrap());
    let mut request = Request::builder().method(method).uri("/").header("host", "localhost:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(guard.protect(router), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_of_listed_origins_may_ask_send_and_read() {
    for origin in ["https://shop.example", "http://localhost:3000"] {
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        let preflight = request(ORIGINS, "OPTIONS", &asked).await;
        assert_eq!(preflight.status, 204);
        assert!(preflight.header("access-control-allow-methods").contains("POST"));
        assert!(preflight.header("access-control-allow-headers").contains("authorization"));
        let sent = request(ORIGINS, "POST", &[("origin", origin), ("sec-fetch-site", "cross-site")]).await;
        assert_eq!(sent.status, 200);
        for answer in [preflight, sent] {
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("vary"), "origin");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
}

#[tokio::test]
async fn no_other_origin_is_let_in() {
    let foreign = [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://a.shop.example",
        "https://shop.example.evil.example",
        "null",
    ];
    for origin in foreign {
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        for (origins, method, headers) in [
            (ORIGINS, "OPTIONS", &asked[..]),
            (ORIGINS, "GET", &asked[..1]),
            (ORIGINS, "POST", &asked[..1]),
            ("", "OPTIONS", &asked[..]),
        ] {
            let answer = request(origins, method, headers).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin} {method}");
            assert!(method == "GET" || answer.status >= 400, "{origin} {method}");
        }
    }
    let own = request("", "GET", &[("origin", "https://shop.example")]).await;
    assert_eq!((own.header("access-control-allow-origin"), own.header("vary")), ("", ""));
}

#[test]
fn an_origin_has_a_scheme_and_a_host_and_nothing_more() {
    for bad in [
        "*",
        "null",
        "shop.example",
        "ftp://a",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "https://*.a",
        "https://",
        "https://a:",
    ] {
        assert!(CorsOrigins::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(CorsOrigins::parse(" ,").unwrap(), CorsOrigins::default());
    assert_eq!(CorsOrigins::parse("HTTPS://A:443/").unwrap(), CorsOrigins::parse("https://a").unwrap());
}
