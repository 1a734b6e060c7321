//! Answers, and what tests ask of them.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::described;

/// An answer with its body as JSON; null where it has none.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// What a router of this process answers, which has to be what the description of the API says.
    pub(crate) async fn of(router: &Router, request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let sent = body.collect().await.expect("tests send whole bodies").to_bytes();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let answer = Self::to(router, Request::from_parts(parts, Body::from(sent.clone()))).await;
        described::check(&method, &uri, &serde_json::from_slice(&sent).unwrap_or_default(), &answer);
        answer
    }

    async fn to(router: &Router, request: Request<Body>) -> Self {
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("bodies of this process are whole").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// The answer, which has to have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    /// The answer, which has to be this problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, slug: &str) -> Self {
        assert_eq!(self.body["type"], format!("urn:orderflow:problem:{slug}"), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        self.expect(status)
    }

    /// The answer, which has to name these fields and no others.
    #[track_caller]
    pub fn expect_fields(self, fields: &[&str]) -> Self {
        let named: Vec<&str> = self.body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|e| e["field"].as_str())
            .collect();
        assert_eq!(named, fields, "{}", self.body);
        self
    }

    /// A header's value.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers));
        value.to_str().expect("headers of this system are ASCII")
    }
}
