//! `JWT_JWKS_URL`: the keys of an issuer that comes and goes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use orderflow_testing::program::Launch;
use rcgen::KeyPair;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::access::{AUDIENCE, ISSUER, claims};
use crate::server::{Server, up};

/// A key of the issuer.
struct Key {
    id: &'static str,
    private: EncodingKey,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = KeyPair::generate().unwrap();
        Self { id, private: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap() }
    }

    fn published(&self) -> Value {
        let mut key =
            serde_json::to_value(Jwk::from_encoding_key(&self.private, Algorithm::ES256).unwrap()).unwrap();
        key["kid"] = json!(self.id);
        key
    }

    fn token(&self) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_owned());
        encode(&header, &claims("C1", ""), &self.private).unwrap()
    }
}

type Keys = Arc<Mutex<Value>>;

fn publish(keys: &Keys, published: &[&Key]) {
    *keys.lock().unwrap() = json!({"keys": published.iter().map(|key| key.published()).collect::<Vec<_>>()});
}

fn serve(listener: TcpListener, keys: &Keys) -> JoinHandle<()> {
    let keys = keys.clone();
    let document = move || {
        let keys = keys.lock().unwrap().clone();
        async move { axum::Json(keys) }
    };
    let router = Router::new().route("/keys", get(document));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

fn protected(address: impl std::fmt::Display) -> Launch {
    up(&["--port", "0", "--ephemeral"])
        .env("ORDERFLOW_AUTH", "jwt")
        .env("JWT_JWKS_URL", format!("http://{address}/keys"))
        .env("JWT_ISSUER", ISSUER)
        .env("JWT_AUDIENCE", AUDIENCE)
}

async fn status(server: &Server, path: &str, key: &Key) -> StatusCode {
    let url = format!("{}{path}", server.url());
    Client::new().get(url).bearer_auth(key.token()).send().await.unwrap().status()
}

#[tokio::test]
async fn the_keys_of_the_issuer_may_change_and_stay_known_while_it_is_away() {
    let [old, new, unknown] = ["old", "new", "unknown"].map(Key::new);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // The issuer is away at the start: nothing that needs a token is open.
    drop(listener);
    let server = Server::start(protected(address));
    server
        .wait_until("the failed fetch is logged", async |server| server.log().contains("were not fetched"))
        .await;
    assert_eq!(status(&server, "/health", &old).await, 200);
    assert_eq!(status(&server, "/api/v1/orders", &old).await, 503);

    let keys = Keys::default();
    publish(&keys, &[&old]);
    let issuer = serve(TcpListener::bind(address).await.unwrap(), &keys);
    let accepts = async |server: &Server, key: &Key| status(server, "/api/v1/orders", key).await == 200;
    server.wait_until("the keys are known", async |server| accepts(server, &old).await).await;
    publish(&keys, &[&old, &new]);
    server.wait_until("the new key is known", async |server| accepts(server, &new).await).await;

    issuer.abort();
    // A connection that is still open is no better.
    *keys.lock().unwrap() = Value::Null;
    for key in [&old, &new] {
        assert!(accepts(&server, key).await);
    }
    assert_eq!(status(&server, "/api/v1/orders", &unknown).await, 401);
}
