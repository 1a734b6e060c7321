use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Path, RawQuery};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::http::answer;

/// An event of an HTTP API, payload format 2.0.
fn http_api(stage: &str, path: &str, query: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "GET /api/v1/products/{sku}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "000000000000",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "curl/8.5.0"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": stage,
            "timeEpoch": 1_795_176_000_000_i64
        },
        "isBase64Encoded": false
    })
}

/// An event of a REST API, payload format 1.0.
fn rest_api(path: &str) -> Value {
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"},
        "multiValueHeaders": {"Host": ["a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"]},
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": {"proxy": path.trim_start_matches('/')},
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "httpMethod": "GET",
            "path": format!("/prod{path}"),
            "stage": "prod",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "192.0.2.7", "userAgent": "curl/8.5.0"}
        },
        "body": null,
        "isBase64Encoded": false
    })
}

async fn send(event: Value) -> Value {
    let query = async |Path(sku): Path<String>, RawQuery(query): RawQuery| {
        format!("{sku} {}", query.unwrap_or_default())
    };
    let router = Router::new()
        .route("/", get(async || "root"))
        .route("/api/v1/products/{sku}", get(query))
        .route("/api/v1/payments", get(async || "secret").post(async |body: String| body))
        .route("/api/v1/admin/queues", post(async || "secret"));
    serde_json::to_value(answer(router, serde_json::from_value(event).unwrap()).await.unwrap()).unwrap()
}

async fn status(event: Value) -> u64 {
    send(event).await["statusCode"].as_u64().unwrap()
}

#[tokio::test]
async fn events_of_every_kind_of_api_are_served() {
    for (event, body) in [
        (http_api("$default", "/api/v1/products/MUG", ""), "MUG "),
        (http_api("$default", "/api/v1/products/MUG", "limit=1&cursor=a%2Fb"), "MUG limit=1&cursor=a%2Fb"),
        (http_api("prod", "/prod/api/v1/products/MUG", ""), "MUG "),
        (http_api("prod", "/prod", ""), "root"),
        (http_api("prod", "/prod/", ""), "root"),
        (http_api("prod", "/api/v1/products/MUG", ""), "MUG "),
        (rest_api("/api/v1/products/MUG"), "MUG "),
    ] {
        let answer = send(event.clone()).await;
        assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!(body)), "{event}");
        assert_eq!(answer["headers"]["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer["isBase64Encoded"], false);
    }
    assert_eq!(status(http_api("prod", "/production/api/v1/products/MUG", "")).await, 404);
}

#[tokio::test]
async fn the_query_of_a_rest_api_is_encoded_again() {
    let mut event = rest_api("/api/v1/products/MUG");
    event["queryStringParameters"] = json!({"a": "2"});
    assert_eq!(send(event.clone()).await["body"], "MUG a=2");
    event["multiValueQueryStringParameters"] = json!({"a": ["1", "2"], "b c": ["&=\"<"]});
    assert_eq!(send(event).await["body"], "MUG a=1&a=2&b+c=%26%3D%22%3C");
}

#[tokio::test]
async fn a_body_arrives_as_it_was_sent() {
    let mut event = http_api("$default", "/api/v1/payments", "");
    event["requestContext"]["http"]["method"] = json!("POST");
    event["body"] = json!("{\"a\":\"ä\"}");
    assert_eq!(send(event.clone()).await["body"], "{\"a\":\"ä\"}");
    event["body"] = json!("e30=");
    event["isBase64Encoded"] = json!(true);
    assert_eq!(send(event.clone()).await["body"], "{}");
    event["body"] = json!("???");
    assert_eq!(status(event).await, 400);
}

#[tokio::test]
async fn characters_outside_of_ascii_may_arrive_decoded() {
    for path in ["/api/v1/products/ä b", "/api/v1/products/%C3%A4%20b"] {
        assert_eq!(send(http_api("$default", path, "")).await["body"], "ä b ", "{path}");
    }
}

#[tokio::test]
async fn a_path_that_a_gateway_reads_differently_is_refused() {
    for hidden in [
        "..%2Fpayments",
        "%2e%2e/payments",
        "..%5cpayments",
        "../payments",
        "..\\payments",
        "..%252Fpayments",
        ".",
        "x/../../payments",
    ] {
        let path = format!("/api/v1/products/{hidden}");
        for event in
            [http_api("$default", &path, ""), http_api("prod", &format!("/prod{path}"), ""), rest_api(&path)]
        {
            let answer = send(event).await;
            assert_eq!(answer["statusCode"], 400, "{path}: {answer}");
            assert_eq!(answer["headers"]["content-type"], "application/problem+json");
        }
    }
    for path in [
        "/prod/../api/v1/payments",
        "/api/v1/payments#",
        "/api/v1/payments?a",
        "",
        "api/v1/payments",
        "//evil\"<>",
    ] {
        assert_eq!(status(http_api("prod", path, "")).await, 400, "{path}");
        assert_eq!(status(rest_api(path)).await, 400, "{path}");
    }
}

#[tokio::test]
async fn characters_that_no_url_has_are_refused_and_the_next_event_is_served() {
    for query in ["a=\"", "a=<b>", "a= b", "a#b", "a\n", "\u{7f}", "a=\u{0}"] {
        assert_eq!(status(http_api("$default", "/api/v1/products/MUG", query)).await, 400, "{query:?}");
    }
    for (name, value) in
        [("host", "a b"), ("x-forwarded-proto", "\"://<"), ("bad name", "a"), ("a", "b\r\nc")]
    {
        let mut event = http_api("$default", "/api/v1/products/MUG", "");
        event["headers"][name] = json!(value);
        assert!(matches!(status(event).await, 200 | 400), "{name}");
    }
    for method in ["", "G T", "\u{e4}"] {
        let mut event = http_api("$default", "/api/v1/products/MUG", "");
        event["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(status(event).await, 400, "{method}");
    }
    assert_eq!(status(http_api("$default", "/api/v1/products/MUG", "")).await, 200);
}

#[tokio::test]
async fn a_body_that_is_no_text_is_sent_in_base64() {
    let router = Router::new().route("/", get(async || [0xff_u8, 0xfe].to_vec()));
    let event = serde_json::from_value(http_api("$default", "/", "")).unwrap();
    let answer = serde_json::to_value(answer(router, event).await.unwrap()).unwrap();
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("//4="), &json!(true)));
}

#[tokio::test]
async fn the_address_of_the_client_is_that_of_the_event() {
    let peer = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
    let router = Router::new().route("/peer", get(peer));
    for event in [http_api("$default", "/peer", ""), rest_api("/peer")] {
        let event = serde_json::from_value(event).unwrap();
        let response = serde_json::to_value(answer(router.clone(), event).await.unwrap()).unwrap();
        assert_eq!(response["body"], "192.0.2.7", "{response}");
    }
}
