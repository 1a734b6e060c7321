use axum::body::Body;
use axum::routing::get;
use http::Request;
use metrics_util::debugging::DebuggingRecorder;

use super::*;
use crate::test_client::{Answer, send};

fn router() -> Router {
    let hosts = AllowedHosts::parse("shop.example, [2001:DB8::1]").unwrap();
    let answer = || async { "answered" };
    let router = Router::new().route("/", get(answer).post(answer).delete(answer));
    Guard::new(hosts, CorsOrigins::default()).protect(router)
}

async fn request(method: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_loopback_and_allowed_hosts_are_answered() {
    let own = [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:8080",
        "127.9.9.9",
        "[::1]",
        "[::1]:8080",
        "shop.example:443",
        "Shop.Example",
        "[2001:db8::1]:80",
    ];
    for host in own {
        assert_eq!(request("GET", &[("host", host)]).await.status, 200, "{host}");
    }
    let foreign = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "128.0.0.1",
        "0.0.0.0",
        "[::]",
        "[2001:db8::2]",
        "a.shop.example",
        "user@localhost",
        "evil.example:80@localhost",
    ];
    for host in foreign {
        let answer = request("GET", &[("host", host)]).await;
        assert!(matches!(answer.status, 400 | 421), "{host}: {answer:?}");
    }
    assert_eq!(request("GET", &[("host", "evil.example")]).await.slug(), "misdirected-request");
}

#[tokio::test]
async fn a_request_without_exactly_one_host_is_malformed() {
    for headers in
        [&[][..], &[("host", "localhost"), ("host", "localhost")], &[("host", "")], &[("host", "a b")]]
    {
        assert_eq!(request("GET", headers).await.slug(), "malformed-request", "{headers:?}");
    }
}

#[tokio::test]
async fn a_path_that_servers_read_differently_is_refused() {
    for path in ["/..%2F", "/a/../", "/%2e%2e/", "/a%5cb", "/..%252f"] {
        let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
        assert_eq!(send(router(), request).await.slug(), "malformed-request", "{path}");
    }
}

#[tokio::test]
async fn the_host_of_an_absolute_target_counts_too() {
    let target =
        Request::get("http://evil.example/").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(send(router(), target).await.status, 421);
    let other = Request::get("http://127.0.0.1/").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(send(router(), other).await.status, 400);
    let mut http2 = Request::get("http://localhost/").body(Body::empty()).unwrap();
    *http2.version_mut() = Version::HTTP_2;
    assert_eq!(send(router(), http2).await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let json = ("content-type", "application/json");
    for origin in
        ["https://evil.example", "null", "http://localhost:3000", "http://localhost:8080.evil.example", ""]
    {
        for method in ["POST", "DELETE"] {
            let headers = [("host", "localhost:8080"), json, ("origin", origin)];
            assert_eq!(request(method, &headers).await.slug(), "cross-site-request", "{origin}");
        }
    }
    for site in ["cross-site", "same-site", "Cross-Site", "new-value"] {
        let fetched = [("host", "localhost"), json, ("sec-fetch-site", site)];
        assert_eq!(request("POST", &fetched).await.slug(), "cross-site-request", "{site}");
        assert_eq!(request("GET", &fetched).await.status, 200);
        let own = [("host", "localhost"), ("origin", "http://localhost"), ("sec-fetch-site", site)];
        assert_eq!(request("DELETE", &own).await.slug(), "cross-site-request", "{site}");
    }
    for site in ["same-origin", "none"] {
        let own = [("host", "localhost"), json, ("sec-fetch-site", site)];
        assert_eq!(request("POST", &own).await.status, 200, "{site}");
    }
    let two = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "https://evil.example")];
    assert_eq!(request("POST", &two).await.slug(), "cross-site-request");
    let own = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
    assert_eq!(request("POST", &own).await.status, 200);
}

#[tokio::test]
async fn what_a_form_can_send_changes_nothing() {
    let host = ("host", "localhost");
    for simple in ["text/plain", "Text/Plain; charset=utf-8", "multipart/form-data; boundary=a", ""] {
        let answer = request("POST", &[host, ("content-type", simple)]).await;
        assert_eq!(answer.slug(), "unsupported-media-type", "{simple}");
    }
    assert_eq!(request("DELETE", &[host]).await.status, 415);
    for custom in [
        ("content-type", "application/json"),
        ("content-type", "application/x-amz-json-1.0"),
        ("idempotency-key", "k"),
        ("x-orderflow", "1"),
    ] {
        assert_eq!(request("POST", &[host, custom]).await.status, 200, "{custom:?}");
    }
}

#[test]
fn a_list_of_hosts_has_no_ports_and_no_urls() {
    for bad in ["a:80", "http://a", "a/b", "a b", "[::1", "*"] {
        assert!(AllowedHosts::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(AllowedHosts::parse(" ,").unwrap(), AllowedHosts::default());
    let any = AllowedHosts::default().with_listener("0.0.0.0".parse().unwrap());
    assert_eq!(any, AllowedHosts::default());
    let own = AllowedHosts::default().with_listener("192.168.1.5".parse().unwrap());
    assert!(own.include(&"192.168.1.5:8080".parse().unwrap()));
}

#[tokio::test]
async fn refused_requests_are_counted_by_reason() {
    let recorder = DebuggingRecorder::new();
    let _recording = ::metrics::set_default_local_recorder(&recorder);
    request("GET", &[("host", "evil.example")]).await;
    request("POST", &[("host", "localhost")]).await;
    request("GET", &[("host", "localhost")]).await;
    let counted = recorder.snapshotter().snapshot().into_vec();
    let reasons: Vec<_> = counted
        .iter()
        .filter(|(key, ..)| key.key().name() == "http_requests_refused_total")
        .flat_map(|(key, ..)| key.key().labels().map(|label| label.value().to_owned()))
        .collect();
    assert_eq!(reasons, ["misdirected-request", "unsupported-media-type"]);
}
