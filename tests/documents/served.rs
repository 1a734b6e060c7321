//! The served documents equal those generated from the code, and describe exactly the served routes.
//!
//! `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test documents` generates them again.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use expect_test::expect_file;
use http_body_util::BodyExt;
use orderflow_auth::{Access, Need, need_of, operations as needs};
use orderflow_engine::Location;
use orderflow_payments::STRIPE_WEBHOOK;
use orderflow_system::{Settings, System};
use orderflow_tests::described::operations;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn system(location: Location) -> System {
    System::open(Settings::new(location)).await.unwrap()
}

/// Returns the paths of a router, which axum exposes only in its debug output.
fn paths(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let routes = text.split("fallback_router").next().unwrap();
    let named = routes.split("RouteId(").filter_map(|rest| rest.split_once("): \"")?.1.split_once('"'));
    named.map(|(path, _)| path.to_owned()).collect()
}

#[tokio::test]
async fn openapi_is_generated_from_the_routes() {
    let document = orderflow_documents::openapi(system(Location::Memory).await.local_routes().into_openapi());
    let text = document.to_pretty_json().unwrap() + "\n";
    expect_file!["../../shared/documents/openapi.json"].assert_eq(&text);
}

#[test]
fn asyncapi_is_generated_from_the_events() {
    let text = serde_json::to_string_pretty(&orderflow_documents::asyncapi()).unwrap() + "\n";
    expect_file!["../../shared/documents/asyncapi.json"].assert_eq(&text);
}

#[tokio::test]
async fn every_served_path_is_described() {
    let mut served = paths(&system(Location::Memory).await.local_router());
    for file in ["/", "/console.css", "/console.js"].into_iter().chain(orderflow_api_page::files()) {
        assert!(served.remove(file), "{file}");
        assert_eq!(need_of(&Method::GET, file), Some(Need::Nothing), "{file}");
    }
    let described: BTreeSet<String> = operations().map(|(_, path, _)| path.to_owned()).collect();
    assert_eq!(served, described);
}

#[tokio::test]
async fn every_path_serves_the_described_methods() {
    let router = system(Location::Memory).await.local_router();
    for path in operations().map(|(_, path, _)| path).collect::<BTreeSet<_>>() {
        let filled = path.replace(['{', '}'], "");
        let request = Request::builder().method(Method::TRACE).uri(filled).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allowed = response.headers()[header::ALLOW].to_str().unwrap().to_ascii_lowercase();
        // axum serves HEAD for every GET.
        let allowed: BTreeSet<&str> = allowed.split(',').filter(|method| *method != "head").collect();
        let described: BTreeSet<&str> =
            operations().filter(|found| found.1 == path).map(|(method, ..)| method).collect();
        assert_eq!(allowed, described, "{path}");
    }
}

#[test]
fn every_operation_names_the_scopes_that_it_needs() {
    let document: Value = serde_json::from_str(orderflow_documents::OPENAPI).unwrap();
    let described: BTreeSet<_> =
        operations().map(|(method, path, _)| (method.to_ascii_uppercase(), path)).collect();
    // Only the payment provider calls its webhook, which exists only with a secret.
    let needs = || needs().filter(|(_, path, _)| *path != STRIPE_WEBHOOK);
    let known: BTreeSet<_> = needs().map(|(method, path, _)| (method.to_owned(), path)).collect();
    assert_eq!(described, known);
    for (method, path, need) in needs() {
        let operation = &document["paths"][path][method.to_ascii_lowercase()];
        let expected = match need {
            Need::Nothing => json!([]),
            Need::Token => json!([{"token": []}]),
            Need::OneOf(scopes) => {
                scopes.iter().chain(&["admin"]).map(|scope| json!({"token": [scope]})).collect()
            }
        };
        assert_eq!(operation["security"], expected, "{method} {path}");
        for status in ["401", "403"] {
            assert_eq!(
                operation["responses"][status].is_object(),
                need != Need::Nothing,
                "{method} {path} {status}"
            );
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["token"]["bearerFormat"], "JWT");
}

#[tokio::test]
async fn without_authentication_a_token_is_optional() {
    let router = Access::default().guard(system(Location::Memory).await.local_routes());
    let request = Request::builder().uri("/openapi.json").body(Body::empty()).unwrap();
    let body = router.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let served: Value = serde_json::from_slice(&body).unwrap();
    for (method, path, _) in operations() {
        assert!(
            served["paths"][path][method]["security"].as_array().unwrap().contains(&json!({})),
            "{method} {path}"
        );
    }
}
