//! Adds the problems of each operation to the OpenAPI document.

use std::collections::BTreeMap;

use http::Method;
use orderflow_auth::Need;
use orderflow_http::{PROBLEM_JSON, PROBLEMS, ProblemKind};
use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};

/// Responses by name, shared by several operations.
pub(crate) type Shared = BTreeMap<String, RefOr<Response>>;

/// Adds the problems of an operation: those that its handler declares, and those that follow from its method, its parameters and what a
/// caller needs.
pub(crate) fn describe(
    path: &str,
    method: &Method,
    operation: &mut Operation,
    need: Need,
    shared: &mut Shared,
) {
    let own = take_named(operation);
    let answered = |kind: &ProblemKind| {
        own.contains(kind) || follows(*kind, path, method, operation) || is_refusal(*kind, need)
    };
    let mut kinds: Vec<ProblemKind> = ProblemKind::ALL.into_iter().filter(answered).collect();
    kinds.sort_by_key(|kind| kind.status());
    for same_status in kinds.chunk_by(|a, b| a.status() == b.status()) {
        let status = same_status[0].status().as_u16().to_string();
        let name = same_status.iter().map(|kind| kind.slug()).collect::<Vec<_>>().join("_");
        operation.responses.responses.insert(status, Ref::from_response_name(&name).into());
        shared.entry(name).or_insert_with(|| RefOr::T(response(same_status)));
    }
}

/// Removes the kinds that the handler declares from the operation and returns them: the document lists them as responses.
fn take_named(operation: &mut Operation) -> Vec<ProblemKind> {
    let named = operation.extensions.as_mut().and_then(|extensions| extensions.remove(PROBLEMS));
    let slugs = named.as_ref().and_then(Value::as_array).into_iter().flatten();
    let kind = |slug: &Value| ProblemKind::ALL.into_iter().find(|kind| slug == kind.slug());
    slugs.map(|slug| kind(slug).expect("handlers name kinds by themselves, not by their slug")).collect()
}

/// Returns whether a call without what it needs is answered with this problem. An operation that needs any token may refuse another
/// customer's.
fn is_refusal(kind: ProblemKind, need: Need) -> bool {
    match kind {
        ProblemKind::Unauthenticated | ProblemKind::Forbidden => need != Need::Nothing,
        _ => false,
    }
}

/// Returns whether an operation with such parameters can respond with this problem, as the guard and the extractors of `orderflow-http` do.
fn follows(kind: ProblemKind, path: &str, method: &Method, operation: &Operation) -> bool {
    let has_body = operation.request_body.is_some();
    let takes = |place: ParameterIn| {
        let is_there = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(found) if found.parameter_in == place);
        operation.parameters.iter().flatten().any(is_there)
    };
    let is_if_match =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(found) if found.name == "if-match");
    let conditional = operation.parameters.iter().flatten().any(is_if_match);
    match kind {
        ProblemKind::MalformedRequest | ProblemKind::MisdirectedRequest => true,
        ProblemKind::CrossSiteRequest | ProblemKind::UnsupportedMediaType => !method.is_safe(),
        ProblemKind::InvalidRequest => has_body || takes(ParameterIn::Query),
        ProblemKind::PreconditionFailed => conditional,
        ProblemKind::RequestTimeout | ProblemKind::PayloadTooLarge => has_body,
        ProblemKind::NotFound => takes(ParameterIn::Path),
        ProblemKind::Unavailable | ProblemKind::Overloaded => path.starts_with("/api/"),
        ProblemKind::RateLimited => path != "/health",
        _ => false,
    }
}

/// Returns the response for these kinds, which share a status.
fn response(kinds: &[ProblemKind]) -> Response {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let response =
        ResponseBuilder::new().description(titles.join("; ")).content(PROBLEM_JSON, content(kinds));
    let response = match kinds {
        [ProblemKind::RateLimited] => rate_limit_headers()
            .into_iter()
            .fold(response, |response, (name, header)| response.header(name, header)),
        [ProblemKind::Unauthenticated] => response.header("www-authenticate", scheme()),
        _ => response,
    };
    let waits = [ProblemKind::RateLimited, ProblemKind::Unavailable];
    if kinds.iter().any(|kind| waits.contains(kind)) {
        return response
            .header("retry-after", number("The number of seconds to wait before the next attempt.", 1))
            .build();
    }
    response.build()
}

/// The headers of a limit. They are on every answer that a limit counts, if one is set.
fn rate_limit_headers() -> [(&'static str, Header); 3] {
    let count = |description: &str| number(description, 0);
    [
        ("ratelimit-limit", count("The number of requests that are allowed at once.")),
        ("ratelimit-remaining", count("The number of requests that are left of it.")),
        ("ratelimit-reset", count("The number of seconds until all of them are allowed again.")),
    ]
}

fn scheme() -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some("The scheme of the token, `Bearer`.".to_owned());
    header
}

fn content(kinds: &[ProblemKind]) -> Content {
    let types =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds.iter().map(|kind| kind.urn())));
    let one_of_these = ObjectBuilder::new().property("type", types);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(one_of_these);
    let examples = kinds.iter().map(|kind| (kind.slug(), example(*kind)));
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn example(kind: ProblemKind) -> Example {
    let (title, status) = (kind.title(), kind.status().as_u16());
    let body = json!({"type": kind.urn(), "title": title, "status": status, "detail": format!("{title}.")});
    ExampleBuilder::new().summary(title).value(Some(body)).build()
}

fn number(description: &str, minimum: usize) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum)));
    header.description = Some(description.to_owned());
    header
}
