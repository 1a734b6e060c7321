//! A proxy between a bundle and AWS that records requests, and refuses those that its role in template.yaml does not allow.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::calls::{Call, calls_of};
use crate::policy::{Policy, policies};

/// The largest request of the SDK.
const MAX_BODY: usize = 1 << 20;

/// The requests of bundles.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// The allowed requests, by bundle.
    pub allowed: BTreeSet<(String, Call)>,
    /// The requests that roles do not allow. A bundle may log such a failure without returning it.
    pub refused: BTreeSet<(String, Call)>,
}

/// The target of allowed requests.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub dynamodb: String,
    pub others: String,
}

struct Recorder {
    bundle: String,
    policy: Policy,
    upstream: Upstream,
    recording: Arc<Mutex<Recording>>,
    client: reqwest::Client,
}

/// Opens an endpoint for a bundle, which ends with the runtime of the test. Returns its URL.
pub(crate) async fn open(bundle: &str, upstream: Upstream, recording: Arc<Mutex<Recording>>) -> String {
    let policy = policies().remove(bundle).unwrap_or_else(|| panic!("{bundle} is not deployed"));
    let client = reqwest::Client::new();
    let recorder = Recorder { bundle: bundle.to_owned(), policy, upstream, recording, client };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(pass_on).with_state(Arc::new(recorder));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass_on(State(recorder): State<Arc<Recorder>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap();
    let target = parts.headers.get("x-amz-target").map(|target| target.to_str().unwrap());
    for call in calls_of(parts.uri.path(), target, &body) {
        let entry = (recorder.bundle.clone(), call.clone());
        let mut recording = recorder.recording.lock().unwrap();
        if !recorder.policy.allows(&call) {
            recording.refused.insert(entry);
            return refusal(&recorder.bundle, &call);
        }
        recording.allowed.insert(entry);
    }
    let is_dynamodb = target.is_some_and(|target| target.starts_with("DynamoDB_"));
    let Upstream { dynamodb, others } = &recorder.upstream;
    let endpoint = if is_dynamodb { dynamodb } else { others };
    recorder.forward(&format!("{endpoint}{}", parts.uri), parts.headers, body).await
}

impl Recorder {
    async fn forward(&self, url: &str, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
        headers.remove(header::HOST);
        let answer = self.client.post(url).headers(headers).body(body).send().await;
        let Ok(answer) = answer else { return StatusCode::BAD_GATEWAY.into_response() };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        *response.body_mut() = Body::from(answer.bytes().await.unwrap());
        response
    }
}

fn refusal(bundle: &str, call: &Call) -> Response<Body> {
    let message = format!("the role of {bundle} does not allow {} on {}", call.action, call.resource);
    (StatusCode::FORBIDDEN, Json(json!({"__type": "AccessDeniedException", "message": message})))
        .into_response()
}
