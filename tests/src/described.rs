//! Checks every request and response against the published OpenAPI document.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http::Uri;
use http_body_util::BodyExt;
use jsonschema::{ValidationError, Validator, draft202012};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::Answer;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(orderflow_documents::OPENAPI).expect("the document is JSON"));

/// An operation of the document.
#[derive(Debug, Clone, Copy)]
pub struct Operation(&'static Value);

/// Returns every operation with its method in lower case and its path.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str, Operation)> {
    let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), Operation(operation)))
    })
}

impl Answer {
    /// Sends a request to a router of this process, and fails unless request and response agree with the OpenAPI
    /// document.
    pub(crate) async fn of(router: &Router, request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let sent = body.collect().await.expect("the request body of a test is complete").to_bytes();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let answer = Self::to(router, Request::from_parts(parts, Body::from(sent.clone()))).await;
        check(&method, &uri, &serde_json::from_slice(&sent).unwrap_or_default(), &answer);
        answer
    }

    async fn to(router: &Router, request: Request<Body>) -> Self {
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the response body is complete").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, body }
    }
}

/// Returns the operation of a request.
pub fn operation_of(method: &Method, path: &str) -> Option<Operation> {
    let template = template_of(path)?;
    let method = method.as_str().to_ascii_lowercase();
    operations().find(|found| (found.0, found.1) == (method.as_str(), template)).map(|found| found.2)
}

/// Returns the path template that matches a path. A template without parameters is preferred.
fn template_of(path: &str) -> Option<&'static str> {
    let templates = DOCUMENT["paths"].as_object()?.keys().map(String::as_str);
    let parameters = |template: &&str| template.matches('{').count();
    templates.filter(|template| fits(template, path)).min_by_key(parameters)
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, found) = (template.split('/'), path.split('/'));
    wanted.clone().count() == found.clone().count()
        && wanted
            .zip(found)
            .all(|(wanted, found)| wanted == found || wanted.starts_with('{') && !found.is_empty())
}

/// Fails unless the document describes this response to the request.
#[track_caller]
fn check(method: &Method, uri: &Uri, sent: &Value, answer: &Answer) {
    let status = answer.status.as_u16();
    let Some(operation) = operation_of(method, uri.path()) else {
        let expected = if template_of(uri.path()).is_some() { 405 } else { 404 };
        assert_eq!(status, expected, "{method} {uri} is not described");
        return;
    };
    let response = resolve(&operation.0["responses"][status.to_string()]);
    assert!(response.is_object(), "{method} {uri}: {status} is not described: {}", answer.body);
    for (name, _) in response["headers"].as_object().into_iter().flatten() {
        assert!(answer.headers.contains_key(name), "{method} {uri}: {status} has no header {name}");
    }
    check_body(response, answer)
        .unwrap_or_else(|error| panic!("{method} {uri}: {status}: {error}: {}", answer.body));
    if answer.status.is_success() {
        operation
            .check_request(uri, sent)
            .unwrap_or_else(|error| panic!("{method} {uri} was accepted: {error}"));
    }
}

/// Returns the target of a reference, or the value itself if it is not a reference.
fn resolve(value: &'static Value) -> &'static Value {
    let referred = value["$ref"].as_str().and_then(|path| DOCUMENT.pointer(path.trim_start_matches('#')));
    referred.unwrap_or(value)
}

fn check_body(response: &'static Value, answer: &Answer) -> Result<(), String> {
    let Some(described) = response["content"].as_object() else {
        return if answer.body.is_null() { Ok(()) } else { Err("no body is described".to_owned()) };
    };
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = described.get(media_type).ok_or_else(|| format!("{media_type} is not described"))?;
    if media_type.ends_with("json") { check_schema(&content["schema"], &answer.body) } else { Ok(()) }
}

impl Operation {
    /// Returns the operation id.
    pub fn id(&self) -> &str {
        self.0["operationId"].as_str().unwrap_or_default()
    }

    fn check_request(&self, uri: &Uri, sent: &Value) -> Result<(), String> {
        let body = &self.0["requestBody"]["content"]["application/json"]["schema"];
        if body.is_object() {
            check_schema(body, sent)?;
        }
        let described: Vec<&Value> = self.0["parameters"].as_array().into_iter().flatten().collect();
        let is_described =
            |name: &str| described.iter().any(|known| known["in"] == "query" && known["name"] == name);
        let names = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
        let unknown: Vec<&str> = names.filter(|name| !name.is_empty() && !is_described(name)).collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("{unknown:?} are not described")) }
    }
}

/// Checks a value against a schema of the document.
fn check_schema(schema: &'static Value, value: &Value) -> Result<(), String> {
    let validator = validator(schema).map_err(|error| error.to_string())?;
    validator.validate(value).map_err(|error| format!("{error} at {}", error.instance_path()))
}

/// Returns the validator of a schema. Validators are cached, because building one takes longer than the rest of a check.
fn validator(schema: &'static Value) -> Result<Arc<Validator>, ValidationError<'static>> {
    static MADE: Mutex<BTreeMap<usize, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let address = std::ptr::from_ref(schema).addr();
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&address) {
        return Ok(known.clone());
    }
    let whole = json!({"components": *COMPONENTS, "allOf": [schema]});
    let validator = Arc::new(draft202012::options().should_validate_formats(true).build(&whole)?);
    made.insert(address, validator.clone());
    Ok(validator)
}

/// The schemas of the document, changed so that an object has no undeclared members unless its schema permits them.
static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let mut components = json!({"schemas": DOCUMENT["components"]["schemas"]});
    let schemas = components["schemas"].as_object_mut().into_iter().flatten();
    let is_open =
        |schema: &Value| schema["properties"].is_object() && schema["additionalProperties"].is_null();
    for (_, schema) in schemas.filter(|(_, schema)| is_open(schema)) {
        schema["additionalProperties"] = false.into();
    }
    components
});
