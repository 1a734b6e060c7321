//! `ORDERFLOW_AUTH=jwt`: tokens are verified by the program itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use orderflow_testing::program::Launch;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::server::{Server, up};

pub(crate) const ISSUER: &str = "https://issuer";
pub(crate) const AUDIENCE: &str = "orderflow";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// On an address that other machines can reach: with authentication it needs no `--insecure`.
pub(crate) fn protected() -> Launch {
    up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral"])
        .env("ORDERFLOW_AUTH", "jwt")
        .env("JWT_SECRET", SECRET)
        .env("JWT_ISSUER", ISSUER)
        .env("JWT_AUDIENCE", AUDIENCE)
}

pub(crate) fn claims(subject: &str, scope: &str) -> Value {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3_600);
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": expires.as_secs(), "scope": scope})
}

pub(crate) fn token(subject: &str, scope: &str) -> String {
    encode(&Header::default(), &claims(subject, scope), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

struct Caller<'a> {
    server: &'a Server,
    token: Option<String>,
}

impl Caller<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = self.server.url().replace("0.0.0.0", "127.0.0.1");
        let mut request = Client::new().request(method, format!("{url}{path}"));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Some(body) => request.json(&body),
            None => request.header("content-type", "application/json"),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, None).await
    }

    async fn place(&self, customer: &str) -> (u16, Value) {
        let body = json!({"customer_id": customer, "email": "c@example.com", "items": [{"sku": "TSHIRT-BLK-M", "quantity": 1}]});
        self.send(Method::POST, "/api/v1/orders", Some(body)).await
    }
}

#[test]
fn protection_that_cannot_be_given_ends_the_program() {
    for (variable, value) in [("JWT_SECRET", "x"), ("JWT_ISSUER", ""), ("ORDERFLOW_AUTH", "yes")] {
        let run = protected().env(variable, value).run();
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{variable}={value}");
        assert!(run.err.contains(variable), "{}", run.err);
    }
    let store: &[&str] = &["store", "--port", "0", "--ephemeral"];
    let bridge: &[&str] =
        &["bridge", "--broker", "amqp://b", "--dynamodb-endpoint", "http://d", "--invoke", "http://i"];
    for (variable, value) in [
        ("ORDERFLOW_AUTH", "jwt"),
        ("JWT_SECRET", SECRET),
        ("JWT_ISSUER", "https://login.example/"),
        ("ORDERFLOW_RATE_LIMIT", "5"),
        ("ORDERFLOW_RATE_BURST", "5"),
        ("ORDERFLOW_GLOBAL_RATE_LIMIT", "5"),
        ("ORDERFLOW_MAX_IN_FLIGHT", "5"),
    ] {
        for arguments in [store, bridge] {
            let launch = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments.iter().copied());
            let run = launch.env(variable, value).run();
            assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?} {variable}={value}");
            assert!(run.err.contains(&format!("{variable}: this command")), "{}", run.err);
        }
    }
}

#[tokio::test]
async fn without_a_token_only_public_operations_are_answered() {
    let server = Server::start(protected());
    let stranger = Caller { server: &server, token: None };
    for (path, status) in [
        ("/health", 200),
        ("/api/v1/products", 200),
        ("/openapi.json", 200),
        ("/metrics", 401),
        ("/api/v1/orders", 401),
        ("/api/v1/payments", 401),
        ("/api/v1/admin/queues", 401),
        ("/api/v1/analytics/summary", 401),
        ("/nothing", 401),
    ] {
        assert_eq!(stranger.get(path).await.0, status, "{path}");
    }
    assert_eq!(stranger.place("C1").await.0, 401);
    let operator = Caller { server: &server, token: Some(token("ops", "operate")) };
    assert_eq!(operator.get("/api/v1/admin/queues").await.0, 200);
    assert_eq!(operator.get("/api/v1/payments").await.0, 403);
}

#[tokio::test]
async fn a_customer_reaches_only_their_own_orders() {
    let server = Server::start(protected());
    let [one, two] = ["C1", "C2"].map(|id| Caller { server: &server, token: Some(token(id, "")) });
    let reader = Caller { server: &server, token: Some(token("support", "orders:read")) };
    let admin = Caller { server: &server, token: Some(token("root", "admin")) };
    let (status, order) = one.place("C1").await;
    assert_eq!(status, 202, "{order}");
    assert_eq!(one.place("C2").await.0, 403);
    assert_eq!(reader.place("C1").await.0, 403);
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    for path in [path.clone(), format!("{path}/events")] {
        assert_eq!(one.get(&path).await.0, 200);
        assert_eq!(two.get(&path).await.0, 404);
        assert_eq!(reader.get(&path).await.0, 200);
    }
    assert_eq!(two.send(Method::DELETE, &path, None).await.0, 404);
    assert_eq!(reader.send(Method::DELETE, &path, None).await.0, 403);
    let count = async |caller: &Caller<'_>, query: &str| {
        let (status, page) = caller.get(&format!("/api/v1/orders{query}")).await;
        (status, page["orders"].as_array().map(Vec::len))
    };
    assert_eq!(count(&one, "").await, (200, Some(1)));
    assert_eq!(count(&two, "").await, (200, Some(0)));
    assert_eq!(count(&two, "?customer_id=C1").await, (403, None));
    assert_eq!(count(&reader, "?customer_id=C1").await, (200, Some(1)));
    assert_eq!(admin.place("C2").await.0, 202);
    assert_eq!(count(&two, "").await, (200, Some(1)));
}
