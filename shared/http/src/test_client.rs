//! Sends a request to a router and reads the response, for tests.
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt;

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the slug of the problem. Fails if the response is not a well-formed problem.
    pub(crate) fn slug(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        assert!(json["title"].is_string());
        assert!(json["detail"].is_string());
        let kind = json["type"].as_str().unwrap();
        kind.strip_prefix("urn:orderflow:problem:").unwrap().to_owned()
    }

    /// Fails unless this is a 422 for exactly this field, and returns the message.
    pub(crate) fn assert_invalid(&self, field: &str) -> String {
        assert_eq!(self.slug(), "invalid-request", "{self:?}");
        assert_eq!(self.status, 422);
        let json = self.json();
        let errors = json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{self:?}");
        assert_eq!(errors[0]["field"], field, "{self:?}");
        errors[0]["message"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Answer { status, headers, body: String::from_utf8(bytes.into()).unwrap() }
}

pub(crate) async fn send_get(router: Router, uri: &str) -> Answer {
    send(router, Request::get(uri).body(Body::empty()).unwrap()).await
}
