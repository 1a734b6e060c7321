//! The same dispatch for other processes: DynamoDB's protocol over HTTP.
//!
//! Signatures are not checked, as in every local DynamoDB: who may connect is who may read and write.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::answer::CONTENT_TYPE;
use crate::dispatch::{Dispatch, Reply};
use crate::operation::Caller;

/// DynamoDB's limit for a request.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// What `GET /` answers: as DynamoDB does with the name of its host, so that whoever starts this can wait for it, and whoever is
/// given an endpoint can tell what it is.
pub const HEALTHY: &str = "healthy: embedded ";

pub(crate) fn router(dispatch: Arc<Dispatch>) -> Router {
    Router::new()
        .route("/", get(health).post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(dispatch)
}

pub(crate) async fn serve(
    dispatch: Arc<Dispatch>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Answers are single writes: waiting to fill a segment only delays them.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router(dispatch)).with_graceful_shutdown(shutdown).await
}

async fn health() -> &'static str {
    HEALTHY
}

async fn answer(State(dispatch): State<Arc<Dispatch>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    match dispatch.reply(target.unwrap_or_default(), &body, Caller::Http) {
        Reply::Answered(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], answer.body).into_response()
        }
        Reply::Lost => broken_off(),
    }
}

/// An answer whose body fails, upon which the server closes the connection.
fn broken_off() -> Response {
    let failure = io::Error::other("the answer was lost (injected)");
    Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(failure)])))
}
