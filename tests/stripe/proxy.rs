//! A proxy before localstripe that implements idempotency keys as Stripe does, which localstripe ignores, and injects faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::faults::{Call, Fault, Faults};

/// A response of Stripe.
type Answer = (StatusCode, Bytes);

/// A proxy that ends with the runtime of the test.
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<Shared>,
}

/// The first request with a key.
struct First {
    form: Bytes,
    /// The response; `None` while Stripe processes the request.
    answer: Option<Answer>,
}

struct Shared {
    upstream: String,
    http: reqwest::Client,
    faults: Faults,
    /// The first request with each key; `None` if keys expire at once.
    keys: Mutex<Option<HashMap<String, First>>>,
    arrived: Mutex<Vec<Call>>,
}

impl Proxy {
    pub(crate) async fn start(upstream: String) -> Self {
        let state = Arc::new(Shared {
            upstream,
            http: reqwest::Client::new(),
            faults: Faults::default(),
            keys: Mutex::new(Some(HashMap::new())),
            arrived: Mutex::default(),
        });
        let app = Router::new().fallback(handle).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, state }
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Expires every key at once; at Stripe, keys expire after a day.
    pub(crate) fn forget_keys(&self) {
        *self.state.keys.lock().unwrap() = None;
    }

    /// Returns the number of calls of this kind that arrived at Stripe.
    pub(crate) fn arrived(&self, call: Call) -> usize {
        self.state.arrived.lock().unwrap().iter().filter(|arrived| **arrived == call).count()
    }
}

async fn handle(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let call = Call::of(request.method().as_str(), request.uri().path());
    let fault = state.faults.next(call);
    match &fault {
        Some(Fault::LoseRequest) => return broken(),
        Some(Fault::Answer(status, body)) => {
            return (StatusCode::from_u16(*status).unwrap(), body.to_string()).into_response();
        }
        Some(Fault::HoldRequest(gate)) => gate.pass().await,
        Some(Fault::LoseAnswer | Fault::HoldAnswer(_)) | None => {}
    }
    // Spawned, so that a request that arrived is processed even if its client is gone.
    let answer = tokio::spawn(async move { state.answer(call, request).await }).await.unwrap();
    match fault {
        Some(Fault::LoseAnswer) => return broken(),
        Some(Fault::HoldAnswer(gate)) => gate.pass().await,
        _ => {}
    }
    answer
}

/// Returns a response that is interrupted.
fn broken() -> Response {
    let nothing = std::io::Error::other("the connection is lost");
    Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(nothing) })).into_response()
}

impl Shared {
    async fn answer(&self, call: Call, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let form = to_bytes(body, usize::MAX).await.unwrap();
        let key = head.headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        if let Some(answer) = key.as_ref().and_then(|key| self.remembered(key, &form)) {
            return answer;
        }
        self.arrived.lock().unwrap().push(call);
        let mut forward = self.http.request(head.method, format!("{}{}", self.upstream, head.uri));
        for name in ["authorization", "content-type"] {
            if let Some(value) = head.headers.get(name) {
                forward = forward.header(name, value);
            }
        }
        let response = forward.body(form.clone()).send().await.unwrap();
        let answer = (response.status(), response.bytes().await.unwrap());
        if let (Some(key), Some(keys)) = (key, self.keys.lock().unwrap().as_mut()) {
            keys.insert(key, First { form, answer: Some(answer.clone()) });
        }
        answer.into_response()
    }

    /// Returns the response to the first request with this key, or `None` if this is the first.
    fn remembered(&self, key: &str, form: &Bytes) -> Option<Response> {
        let mut keys = self.keys.lock().unwrap();
        let keys = keys.as_mut()?;
        let Some(first) = keys.get(key) else {
            keys.insert(key.to_owned(), First { form: form.clone(), answer: None });
            return None;
        };
        assert_eq!(first.form, form, "a key is reused with a different form");
        Some(match &first.answer {
            Some(answer) => ([("idempotent-replayed", "true")], answer.clone()).into_response(),
            None => {
                let in_use =
                    json!({"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}});
                (StatusCode::CONFLICT, in_use.to_string()).into_response()
            }
        })
    }
}
