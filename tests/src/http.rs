//! Responses, and checks of them.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A response with its body as JSON; null if it has none.
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
    /// Returns the response. Fails unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    /// Returns the response. Fails unless it is this problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, slug: &str) -> Self {
        assert_eq!(self.body["type"], format!("urn:orderflow:problem:{slug}"), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        self.expect(status)
    }

    /// Returns the response. Fails unless it names exactly these fields.
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

    /// Returns the value of a header. Fails if it is missing.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers));
        value.to_str().expect("the header is ASCII")
    }
}
