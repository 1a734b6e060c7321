//! The events of API Gateway, as requests.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderflow_http::{Problem, ProblemKind, check_path};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::Deserialize;

/// The characters beside those outside of ASCII that an HTTP API may send decoded.
const DECODED: &AsciiSet = &AsciiSet::EMPTY.add(b' ');

/// The stage of an HTTP API that is not part of the path.
const DEFAULT_STAGE: &str = "$default";

/// A request as API Gateway sends it to a function: by an HTTP API (payload format 2.0, with `rawPath`) or a REST API (format 1.0, with
/// `path`). Fields that the other format has are empty.
///
/// The crate `lambda_http` is not used: it resolves dot segments and backslashes in paths, so that another path would be dispatched than the
/// gateway has authorised, and it panics over a query, host or scheme that is not part of a URL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpEvent {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Option<RequestContext>,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    stage: Option<String>,
    http: Option<HttpContext>,
    identity: Option<Identity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    method: Option<String>,
    source_ip: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

impl HttpEvent {
    /// Returns the request of the event. Its path and its query are exactly those of the event, without the stage.
    ///
    /// # Errors
    /// 400 if the path is not one that every server reads alike, or if a part of the event cannot be part of a request.
    pub(crate) fn into_request(self) -> Result<Request, Problem> {
        let target = self.target()?;
        let context = self.request_context.as_ref();
        let method = self
            .http_method
            .as_deref()
            .or_else(|| context?.http.as_ref()?.method.as_deref())
            .unwrap_or("GET");
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| malformed("The method is not a word."))?;
        let (headers, peer) = (self.headers()?, self.peer());
        let mut request = Request::new(Body::from(self.body()?));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(target);
        *request.headers_mut() = headers;
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 0)));
        }
        Ok(request)
    }

    /// Returns the address that the request came from, as the gateway saw it.
    fn peer(&self) -> Option<IpAddr> {
        let RequestContext { http, identity, .. } = self.request_context.as_ref()?;
        let of_http_api = http.as_ref().and_then(|http| http.source_ip.as_deref());
        let address = of_http_api.or_else(|| identity.as_ref()?.source_ip.as_deref());
        address?.parse().ok()
    }

    fn target(&self) -> Result<PathAndQuery, Problem> {
        let (path, query) = match &self.raw_path {
            Some(path) => (self.without_stage(path), self.raw_query_string.clone().unwrap_or_default()),
            None => (self.path.as_deref().unwrap_or("/"), self.query()),
        };
        check_path(path)?;
        let path = encoded(path);
        let text = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
        let target: PathAndQuery =
            text.parse().map_err(|_| malformed("Path or query has characters that a URL must encode."))?;
        // A fragment is cut off, and a `?` in the path would begin a query.
        if target.path() == path && target.query().unwrap_or_default() == query {
            Ok(target)
        } else {
            Err(malformed("Path or query has characters that a URL must encode."))
        }
    }

    /// Returns the path of an HTTP API without the name of its stage, with which it begins if the stage is not `$default`.
    fn without_stage<'a>(&self, path: &'a str) -> &'a str {
        let stage = self.request_context.as_ref().and_then(|context| context.stage.as_deref());
        let Some(stage) = stage.filter(|stage| *stage != DEFAULT_STAGE && !stage.is_empty()) else {
            return path;
        };
        match path.strip_prefix('/').and_then(|path| path.strip_prefix(stage)) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    /// Returns the query of a REST API, which sends it decoded.
    fn query(&self) -> String {
        let several = self.multi_value_query_string_parameters.iter().flatten();
        let several: Vec<_> =
            several.flat_map(|(name, values)| values.iter().map(move |value| (name, value))).collect();
        let pairs = if several.is_empty() {
            self.query_string_parameters.iter().flatten().collect()
        } else {
            several
        };
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn headers(&self) -> Result<HeaderMap, Problem> {
        let several = self.multi_value_headers.iter().flatten();
        let several: Vec<_> =
            several.flat_map(|(name, values)| values.iter().map(move |value| (name, value))).collect();
        let pairs = if several.is_empty() { self.headers.iter().flatten().collect() } else { several };
        let mut headers = HeaderMap::with_capacity(pairs.len());
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| malformed("The name of a header is not a word."))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| malformed("The value of a header has control characters."))?;
            headers.append(name, value);
        }
        Ok(headers)
    }

    fn body(self) -> Result<Vec<u8>, Problem> {
        let body = self.body.unwrap_or_default();
        if self.is_base64_encoded {
            STANDARD.decode(body).map_err(|_| malformed("The body of the event is not base64."))
        } else {
            Ok(body.into_bytes())
        }
    }
}

/// Returns a path whose characters outside of ASCII, and blanks, are encoded: an HTTP API may send them decoded.
fn encoded(path: &str) -> String {
    utf8_percent_encode(path, DECODED).to_string()
}

fn malformed(detail: &str) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, detail)
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
