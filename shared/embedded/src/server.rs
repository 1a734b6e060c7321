//! Serves DynamoDB's protocol over HTTP, for other processes.
//!
//! Like other local implementations of DynamoDB it does not check signatures: every process that can connect can read and write.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::EmbeddedError;
use crate::answer::CONTENT_TYPE;
use crate::dispatch::{Dispatch, Reply};
use crate::engine::Engine;
use crate::operation::Caller;
use crate::remnants::Replacement;

/// The largest request body (DynamoDB's limit).
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The answer to `GET /`. DynamoDB answers with `healthy: ` and its host name. Callers use it to wait for the start and to recognise an embedded
/// store behind an endpoint.
pub const HEALTHY: &str = "healthy: embedded ";

/// The operation that replaces addresses in stream records: a JSON array of pairs. Not part of DynamoDB.
pub const REPLACE_IN_STREAMS: &str = "Orderflow.ReplaceInStreams";

/// The operation that erases freed space and the write-ahead log. Not part of DynamoDB.
pub const ERASE_REMNANTS: &str = "Orderflow.EraseRemnants";

pub(crate) fn router(dispatch: Arc<Dispatch>) -> Router {
    Router::new()
        .route("/", get(health).post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(dispatch)
}

async fn health() -> &'static str {
    HEALTHY
}

async fn answer(State(dispatch): State<Arc<Dispatch>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    match target {
        Some(REPLACE_IN_STREAMS) => return replace_in_streams(dispatch, &body).await,
        Some(ERASE_REMNANTS) => return erased(dispatch, |engine| engine.erase_remnants()).await,
        _ => {}
    }
    match dispatch.reply(target.unwrap_or_default(), &body, Caller::Http) {
        Reply::Answered(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], answer.body).into_response()
        }
        Reply::Lost => aborted(),
    }
}

async fn replace_in_streams(dispatch: Arc<Dispatch>, body: &[u8]) -> Response {
    match serde_json::from_slice::<Vec<Replacement>>(body) {
        Ok(replacements) => {
            erased(dispatch, move |engine| engine.replace_in_streams(&replacements).map(drop)).await
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Erases on a blocking thread, since that may take seconds.
async fn erased(
    dispatch: Arc<Dispatch>,
    erase: impl FnOnce(&Engine) -> Result<(), EmbeddedError> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || erase(&dispatch.engine())).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "remnants of former values cannot be erased");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Returns an answer whose body fails, so that the server closes the connection.
fn aborted() -> Response {
    let failure = io::Error::other("an injected fault withholds the answer");
    Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(failure)])))
}
