//! Entity tags, and requests that depend on them (RFC 9110, section 13).

use std::convert::Infallible;
use std::fmt::Display;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::{Problem, ProblemKind};

/// The entity tag of a version of a resource, always a strong one. In a response it becomes the header `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(HeaderValue);

impl EntityTag {
    /// Returns the tag of a version. The text of a version consists of visible ASCII characters without quotes, like a number.
    pub fn of(version: impl Display) -> Self {
        let quoted = HeaderValue::try_from(format!("\"{version}\""));
        Self(quoted.expect("versions are numbers and hyphens, which every header takes"))
    }
}

impl IntoResponseParts for EntityTag {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.headers_mut().insert(ETAG, self.0);
        Ok(parts)
    }
}

impl IntoResponse for EntityTag {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// The values of `If-Match` (RFC 9110, section 13.1.1), with at least one tag.
const ENTITY_TAGS: &str = r#"^(?:\*|(?:W/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~]*")*)$"#;

/// The header `If-Match`: the request is carried out only if the resource still has one of these versions.
///
/// A handler checks it against each version that it reads before a write, and writes on the condition of that version. A header that is not
/// well formed is refused with 400 `malformed-request`. Without the header every version matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Returns whether the request has the header.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Checks the version of the resource, or `None` if there is no resource any more, which matches no header, `*` included. Tags are compared
    /// strongly, as RFC 9110 section 13.1.1 requires: a weak tag never matches.
    ///
    /// # Errors
    /// 412 `precondition-failed` if the header names other versions only.
    pub fn check(&self, current: Option<&EntityTag>) -> Result<(), Problem> {
        let Some(tags) = &self.0 else { return Ok(()) };
        if current.is_some_and(|EntityTag(tag)| tags.iter().any(|wanted| wanted == "*" || tag == wanted)) {
            return Ok(());
        }
        let detail =
            "The resource does not have the version that If-Match names. Read it again, then decide.";
        Err(Problem::new(ProblemKind::PreconditionFailed, detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(values) = texts(parts, &IF_MATCH) else { return Ok(Self(None)) };
        let malformed = || {
            let detail = "If-Match must be *, or entity tags in double quotes, separated by commas.";
            Problem::new(ProblemKind::MalformedRequest, detail)
        };
        values.as_deref().and_then(entity_tags).map(|tags| Self(Some(tags))).ok_or_else(malformed)
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` of the version that the client has. Nothing is done if the resource has another version. `*` stands for any version.";
        vec![header("if-match", description, Some(ENTITY_TAGS))]
    }
}

/// The header `If-None-Match`: a read has no body if the client already has this version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    /// Returns whether the client has the current version. Tags are compared weakly, as RFC 9110 section 13.1.2 requires.
    #[must_use]
    pub fn has(&self, EntityTag(current): &EntityTag) -> bool {
        self.0.iter().any(|tag| tag == "*" || current == tag.strip_prefix("W/").unwrap_or(tag))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    /// A header that is not well formed is ignored: the client gets the whole response.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tags = texts(parts, &IF_NONE_MATCH).flatten().as_deref().and_then(entity_tags);
        Ok(Self(tags.unwrap_or_default()))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header("if-none-match", "The `ETag` of the version that the client has.", None)]
    }
}

fn header(name: &str, description: &str, pattern: Option<&str>) -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .examples(["\"2\""])
        .pattern(pattern)
        .min_length(pattern.map(|_| 1));
    let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).schema(Some(text));
    header.description(Some(description)).build()
}

/// Returns the values of a header, joined by commas as RFC 9110 section 5.3 says, if the request has it. The inner `None` stands for a value that
/// is no visible ASCII.
fn texts(parts: &Parts, name: &HeaderName) -> Option<Option<String>> {
    let values: Vec<_> = parts.headers.get_all(name).iter().map(HeaderValue::to_str).collect();
    if values.is_empty() {
        return None;
    }
    let texts: Result<Vec<&str>, _> = values.into_iter().collect();
    Some(texts.ok().map(|texts| texts.join(",")))
}

/// Parses `*` or a list of entity tags. A tag may contain commas and no double quotes.
fn entity_tags(text: &str) -> Option<Vec<String>> {
    if text.trim() == "*" {
        return Some(vec!["*".to_owned()]);
    }
    let (mut tags, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let opaque = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (inner, after) = opaque.split_once('"')?;
        if inner.contains([' ', '\t']) {
            return None;
        }
        let length = rest.len() - after.len();
        tags.push(rest[..length].to_owned());
        rest = match after.trim_start() {
            "" => "",
            // RFC 9110, section 5.6.1.2: empty elements of a list are skipped.
            more => more.strip_prefix(',')?.trim_start_matches([',', ' ', '\t']),
        };
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
#[path = "conditional_tests.rs"]
mod tests;
