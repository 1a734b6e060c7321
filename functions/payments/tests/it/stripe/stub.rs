//! A stub of Stripe's API with prepared answers, which records the requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use orderflow_payments::{ApiKey, StripeSettings};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const KEY: &str = "sk_test_secret";

/// One prepared answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
    /// The semaphore that the answer waits for.
    gate: Option<Arc<Semaphore>>,
}

impl Reply {
    /// An answer with any body.
    pub(crate) fn raw(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), gate: None }
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::raw(200, &body.to_string())
    }

    pub(crate) fn intent(status: &str) -> Self {
        Self::ok(&json!({"id": "pi_1", "status": status, "amount": 3998, "latest_charge": null}))
    }

    pub(crate) fn refund(status: &str, amount: i64) -> Self {
        Self::ok(&json!({"status": status, "amount": amount}))
    }

    /// The list of the refunds of an intent.
    pub(crate) fn refunds(refunds: &[(&str, i64)]) -> Self {
        let data: Vec<Value> =
            refunds.iter().map(|(status, amount)| json!({"status": status, "amount": amount})).collect();
        Self::ok(&json!({"data": data}))
    }

    /// An error whose message quotes secrets, which must not be shown.
    pub(crate) fn error(status: u16, code: &str, param: &str) -> Self {
        let message = format!("No such PaymentMethod: pm_secret with {KEY}");
        let body = json!({"error": {"type": "t", "code": code, "param": param, "message": message}});
        Self::raw(status, &body.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Delays the answer until the gate has a permit.
    pub(crate) fn held_at(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

/// One request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) form: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Default)]
struct Script {
    replies: BTreeMap<String, VecDeque<Reply>>,
    received: Vec<ReceivedRequest>,
    /// Whether the amounts of new intents are checked as Stripe documents.
    checks_amounts: bool,
}

/// The stub, listening on a free port for as long as the test's runtime lives.
pub(crate) struct StripeStub {
    url: String,
    script: Arc<Mutex<Script>>,
}

impl StripeStub {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, script }
    }

    /// Answers the request "METHOD path" (the path after `/v1/`, without the query) with these replies in turn; the last one
    /// is repeated.
    pub(crate) fn on(self, line: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.script.lock().unwrap().replies.insert(line.to_owned(), replies.into_iter().collect());
        self
    }

    /// Refuses new intents with amounts that Stripe would refuse.
    pub(crate) fn checking_amounts(self) -> Self {
        self.script.lock().unwrap().checks_amounts = true;
        self
    }

    pub(crate) fn settings(&self) -> StripeSettings {
        StripeSettings { api_key: ApiKey::parse(KEY).unwrap(), api_url: self.url.parse().unwrap() }
    }

    pub(crate) fn received(&self) -> Vec<ReceivedRequest> {
        self.script.lock().unwrap().received.clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().into_iter().map(|received| received.line).collect()
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let line = format!("{} {}", head.method, head.uri.path().trim_start_matches("/v1/"));
    let form = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let reply = script.lock().unwrap().next(ReceivedRequest { line, headers: head.headers, form });
    if let Some(gate) = reply.gate {
        gate.acquire().await.unwrap().forget();
    }
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Script {
    fn next(&mut self, received: ReceivedRequest) -> Reply {
        let line = received.line.clone();
        let refusal = refused_amount(&received).filter(|_| self.checks_amounts);
        self.received.push(received);
        if let Some(code) = refusal {
            return Reply::error(400, code, "amount");
        }
        match self.replies.get_mut(&line) {
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
            Some(replies) => replies[0].clone(),
            None => panic!("unexpected request: {line}"),
        }
    }
}

/// Returns the code with which Stripe refuses the amount of a new intent.
fn refused_amount(request: &ReceivedRequest) -> Option<&'static str> {
    if request.line != "POST payment_intents" {
        return None;
    }
    let field = |name: &str| {
        let value = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        request.form.split('&').find_map(value).unwrap()
    };
    let amount: i64 = field("amount").parse().unwrap();
    let (multiple_of, minimum) = match field("currency").as_str() {
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => (10, 10),
        "isk" | "ugx" => (100, 100),
        "usd" | "eur" | "jpy" => (1, 50),
        "huf" => (1, 17_500),
        _ => (1, 1),
    };
    match amount {
        _ if amount % multiple_of != 0 => Some("invalid_charge_amount"),
        _ if amount < minimum => Some("amount_too_small"),
        _ if amount > 999_999_999_999 => Some("amount_too_large"),
        _ => None,
    }
}
