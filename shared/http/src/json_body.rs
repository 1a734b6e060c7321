//! A JSON request body.

use std::error::Error;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::strict::{JsonError, from_json};
use crate::{Problem, ProblemKind};

/// The largest request body, in bytes (64 KiB).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The error of a body that does not arrive in time. [`JsonBody`] answers it with 408.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The body did not arrive in time; send it again at once.")]
pub struct BodyTimedOut;

/// A JSON request body, read as a `T`.
///
/// - 415 unless the content type is `application/json` or `application/*+json`, in UTF-8.
/// - 413 if the body is larger than [`MAX_BODY_BYTES`], with or without a `Content-Length`.
/// - 408 if it fails with [`BodyTimedOut`].
/// - 400 `malformed-request` if the body is not UTF-8 or not JSON.
/// - 422 `invalid-request`, naming the field as in `items[0].quantity`, if the JSON is not a `T`. An array is not accepted as an
///   object, nor a repeated key, nor an unknown field if the type has `#[serde(deny_unknown_fields)]`, which every body type should.
///
/// A handler with an optional body takes `Option<JsonBody<T>>`, which is `None` for a request with neither a content type nor a body.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

/// A JSON request body together with its text, for numbers that must keep their digits. The same requests are refused as by [`JsonBody`].
#[derive(Debug, Clone)]
pub struct JsonBodyText<T> {
    /// The body.
    pub body: T,
    /// The text that it was read from.
    pub text: String,
}

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBodyText { body, .. } = JsonBodyText::from_request(request, state).await?;
        Ok(Self(body))
    }
}

impl<S, T> FromRequest<S> for JsonBodyText<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        require_short(request.headers())?;
        let bytes = read(request.into_body()).await?;
        let text = String::from_utf8(bytes)
            .map_err(|error| malformed(format!("The body is not UTF-8: {}.", error.utf8_error())))?;
        let body = from_json(&text).map_err(JsonError::into_problem)?;
        Ok(Self { body, text })
    }
}

impl<S, T> OptionalFromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let body = request.body();
        // An empty body of a Lambda event reports no size, and a body of an empty text does not report that it has ended.
        let is_empty = body.is_end_stream() || body.size_hint().exact() == Some(0);
        // The type may be given all the same: it shows that no HTML form sent the request.
        if is_empty
            && (!request.headers().contains_key(CONTENT_TYPE) || require_json(request.headers()).is_ok())
        {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

fn malformed(detail: String) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, detail)
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    let encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && !encoded {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::UnsupportedMediaType,
        "Send the body as Content-Type: application/json, in UTF-8 and not compressed.",
    ))
}

/// Returns whether a content type is JSON in UTF-8. RFC 8259 defines no charset parameter, but clients send one.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"));
    is_json
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .all(|(_, charset)| charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// Refuses a body by its `Content-Length`, before any of it is read.
fn require_short(headers: &HeaderMap) -> Result<(), Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(length) if length > MAX_BODY_BYTES as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) if timed_out(error.as_ref()) => {
            Err(Problem::new(ProblemKind::RequestTimeout, BodyTimedOut.to_string()))
        }
        Err(_) => Err(malformed("The body ended early.".to_owned())),
    }
}

fn timed_out(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (**error).source()).any(|error| error.is::<BodyTimedOut>())
}

fn too_large() -> Problem {
    Problem::new(ProblemKind::PayloadTooLarge, format!("A body may have at most {MAX_BODY_BYTES} bytes."))
}

#[cfg(test)]
#[path = "json_body_tests.rs"]
mod tests;
