//! The response of a function to API Gateway.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use serde::Serialize;

use crate::Error;

/// A response that HTTP APIs (payload format 2.0) and REST APIs (format 1.0) both accept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl HttpResponse {
    /// Reads a response with its whole body.
    ///
    /// # Errors
    /// If the body cannot be read.
    pub(crate) async fn read(response: Response) -> Result<Self, Error> {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let is_text = !parts.headers.contains_key(CONTENT_ENCODING);
        let (body, is_base64_encoded) = match std::str::from_utf8(&bytes) {
            Ok(text) if is_text => (text.to_owned(), false),
            _ => (STANDARD.encode(&bytes), true),
        };
        Ok(Self {
            status_code: parts.status.as_u16(),
            headers: joined(&parts.headers),
            body,
            is_base64_encoded,
        })
    }
}

/// Joins the values of each header (RFC 9110, section 5.3). No response sets cookies, whose values cannot be joined.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| *values = format!("{values}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    joined
}
