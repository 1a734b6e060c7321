//! A stub of the server, which sends prepared responses and records the requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

/// One prepared response.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string()).with("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn problem(status: u16, slug: &str, title: &str, errors: &[(&str, &str)]) -> Self {
        let errors: Vec<Value> =
            errors.iter().map(|(field, message)| json!({"field": field, "message": message})).collect();
        let body = json!({
            "type": format!("urn:orderflow:problem:{slug}"), "title": title, "status": status,
            "detail": "In detail.", "errors": errors,
        });
        Self::text(status, body.to_string()).with("content-type", "application/problem+json")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Script {
    replies: BTreeMap<String, VecDeque<Reply>>,
    asked: Vec<Asked>,
}

/// The stub, listening on a free port until it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
    _runtime: tokio::runtime::Runtime,
}

impl Stub {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, script, _runtime: runtime }
    }

    /// Answers "METHOD /path" (with its query, if any) with these responses in turn, and repeats the last one.
    pub(crate) fn on(self, line: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        let mut script = self.script.lock().unwrap();
        script.replies.insert(line.to_owned(), replies);
        drop(script);
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let line = format!("{} {}", head.method, head.uri);
    let headers = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap().to_owned();
        (name.to_string(), value)
    });
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = Asked {
        line: line.clone(),
        headers: headers.collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mut script = script.lock().unwrap();
    script.asked.push(asked);
    let reply = match script.replies.get_mut(&line) {
        Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
        Some(replies) => replies[0].clone(),
        None => Reply::problem(404, "not-found", "There is no such resource", &[]),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
