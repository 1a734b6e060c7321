//! Customers and operators: they send requests, and repeat those that get no answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt;

use super::audit::evidence::{Exchange, Moment};
use super::crash::unless_crashed;
use super::fault::{FaultKind, Place};
use super::world::World;

/// How often a request is sent before its client gives up.
const ATTEMPTS_MAX: u32 = 8;

/// The pause of a client before it repeats a request; it doubles each time.
const PAUSE: Duration = Duration::from_secs(1);

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub place: Place,
    pub method: Method,
    pub path: String,
    pub key: Option<String>,
    pub body: Value,
}

impl Call {
    /// Returns a request without a body.
    pub(super) fn new(place: Place, method: Method, path: impl Into<String>) -> Self {
        Self { place, method, path: path.into(), key: None, body: Value::Null }
    }

    /// Returns the request with a body.
    pub(super) fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// Returns the request with an idempotency key.
    pub(super) fn keyed(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// Returns whether a client may repeat the request: it has the same effect once and twice.
    fn is_idempotent(&self) -> bool {
        self.method != Method::POST || self.key.is_some()
    }
}

/// An answer. A request that was lost has no status.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub status: Option<u16>,
    pub body: Value,
}

impl Answer {
    fn is_final(&self) -> bool {
        self.status.is_some_and(|status| status < 500 && status != 429)
    }
}

/// Sends requests to the system. Clones share the accepted orders.
#[derive(Clone)]
pub(super) struct Client {
    world: World,
    intake: Router,
    shop: Router,
    orders: Arc<Mutex<Vec<String>>>,
}

impl Client {
    pub(super) fn new(world: World, intake: Router, shop: Router) -> Self {
        Self { world, intake, shop, orders: Arc::default() }
    }

    /// Returns the ids of the accepted orders, in the order of their acceptance.
    pub(super) fn orders(&self) -> Vec<String> {
        // No code panics while it holds the lock.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers an accepted order.
    pub(super) fn accepted(&self, id: &str) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if !orders.iter().any(|known| known == id) {
            orders.push(id.to_owned());
        }
    }

    /// Sends a request, again if it gets no answer or one that says that the server failed, as far as that is safe.
    pub(super) async fn send(&self, call: &Call) -> Answer {
        let mut answer = Answer::default();
        for attempt in 0..ATTEMPTS_MAX {
            answer = self.send_once(call).await;
            if answer.is_final() || !call.is_idempotent() {
                break;
            }
            sleep(PAUSE * (1 << attempt)).await;
        }
        answer
    }

    async fn send_once(&self, call: &Call) -> Answer {
        let sent = self.world.moment();
        let Call { place, method, path, key, body } = call;
        self.world.note(place, format_args!("{method} {path} {key:?} {body}"));
        let router = if *place == Place::Intake { &self.intake } else { &self.shop };
        let answered =
            unless_crashed(&self.world, FaultKind::IntakeCrashed, *place, exchange(router, call)).await;
        let answer = answered.unwrap_or_default();
        self.world.note(place, format_args!("{method} {path}: {:?} {}", answer.status, answer.body));
        self.record(call, sent, &answer);
        answer
    }

    fn record(&self, call: &Call, sent: Moment, answer: &Answer) {
        let exchange = Exchange {
            sent,
            answered: self.world.moment(),
            method: call.method.to_string(),
            path: call.path.clone(),
            idempotency_key: call.key.clone(),
            body: call.body.clone(),
            status: answer.status,
            response: answer.body.clone(),
        };
        self.world.record(|evidence| evidence.exchanges.push(exchange));
    }
}

/// Sends a request to routes, and reads the answer.
async fn exchange(router: &Router, call: &Call) -> Answer {
    let mut request = Request::builder().method(call.method.clone()).uri(&call.path);
    if let Some(key) = &call.key {
        request = request.header("idempotency-key", key);
    }
    let body = if call.body.is_null() {
        Body::empty()
    } else {
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(call.body.to_string())
    };
    let request = request.body(body).expect("the paths and keys of plans are valid");
    let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let status = Some(response.status().as_u16());
    let read = response.into_body().collect().await;
    let bytes = read.map(|read| read.to_bytes()).unwrap_or_default();
    Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}
