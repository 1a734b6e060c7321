//! Files of requests for API clients, generated from the OpenAPI document: a Postman collection and an `.http` file.
//!
//! `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test documents` generates them again.

mod http_file;
mod postman;
mod sample;

use axum::body::Body;
use axum::http::StatusCode;
use expect_test::expect_file;
use orderflow_tests::{EmbeddedMode, TestApp};

use sample::samples;

#[test]
fn the_http_file_is_generated_from_the_openapi_document() {
    expect_file!["../../../docs/reference/orderflow.http"].assert_eq(&http_file::write(&samples()));
}

#[test]
fn the_postman_collection_is_generated_from_the_openapi_document() {
    let text = serde_json::to_string_pretty(&postman::collection(&samples())).unwrap() + "\n";
    expect_file!["../../../docs/reference/orderflow.postman_collection.json"].assert_eq(&text);
}

/// The answers to requests about what a new shop does not have, besides success.
const OF_A_NEW_SHOP: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::CONFLICT];

#[tokio::test]
async fn a_new_shop_understands_every_request_of_the_http_file() {
    let shop: TestApp<EmbeddedMode> = TestApp::open().await;
    let requests = http_file::read(&http_file::write(&samples()));
    assert_eq!(requests.len(), samples().len());
    for request in requests {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = shop.send(&request.method, &request.path, &headers, Body::from(request.body)).await;
        let is_understood = answer.status.is_success() || OF_A_NEW_SHOP.contains(&answer.status);
        assert!(is_understood, "{} {}: {} {}", request.method, request.path, answer.status, answer.body);
    }
}

#[test]
fn both_files_have_the_same_requests() {
    let of_postman = postman::read(&postman::collection(&samples()));
    let of_http_file = http_file::read(&http_file::write(&samples()));
    let line = |request: &sample::Request| format!("{} {} {}", request.method, request.path, request.body);
    let lines = |requests: &[sample::Request]| requests.iter().map(line).collect::<Vec<_>>();
    assert_eq!(lines(&of_postman), lines(&of_http_file));
}
