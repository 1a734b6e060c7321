//! The HTTP route.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use orderflow_store_port::{Backend, Replacement};

use crate::definition::Describe;
use crate::dispatch::carry_out;
use crate::failure::Failure;
use crate::service::Service;

/// The largest request body (DynamoDB's limit).
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// The answer to `GET /`. DynamoDB answers with `healthy: ` and its host name. Callers use it to wait for the start and to recognise this store
/// behind an endpoint.
pub const HEALTHY: &str = "healthy: embedded ";

/// The operation that replaces addresses in stream records: a JSON array of pairs. Not part of DynamoDB.
pub const REPLACE_IN_STREAMS: &str = "Orderflow.ReplaceInStreams";

/// The operation that erases freed space and the write-ahead log. Not part of DynamoDB.
pub const ERASE_REMNANTS: &str = "Orderflow.EraseRemnants";

/// Returns a router that serves a store at `/`, for any AWS SDK that has the address of the server as its endpoint URL. `describe` returns the
/// definitions of the store's tables. Signatures are not checked, so the listener should be on loopback.
pub fn router(backend: Arc<dyn Backend>, describe: Arc<dyn Describe>) -> Router {
    Router::new()
        .route("/", get(async || HEALTHY).post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(Service::new(backend, describe)))
}

async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match target {
        REPLACE_IN_STREAMS => return replace_in_streams(&service, &body).await,
        ERASE_REMNANTS => return erased(service.backend.erase_remnants().await),
        _ => {}
    }
    let (status, body) = match carry_out(&service, target, &body).await {
        Ok(answer) => (200, answer),
        Err(failure) => match failure.answer() {
            Some(refusal) => refusal,
            None => return aborted(),
        },
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body.to_string()).into_response()
}

async fn replace_in_streams(service: &Service, body: &[u8]) -> Response {
    match serde_json::from_slice::<Vec<Replacement>>(body) {
        Ok(replacements) => erased(service.backend.replace_in_streams(&replacements).await),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn erased(result: Result<(), orderflow_store_port::StoreError>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "remnants of former values cannot be erased");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Returns an answer whose body fails, so that the server closes the connection.
fn aborted() -> Response {
    let failure = io::Error::other(Failure::Lost.to_string());
    Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(failure)])))
}
