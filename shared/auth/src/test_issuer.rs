//! An issuer of tokens with its own HTTP server, for tests.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const NAME: &str = "https://issuer";

/// A key pair, and its public key as an issuer publishes it.
pub(crate) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: Option<String>,
    pub(crate) jwk: Value,
}

impl Signer {
    /// Creates a key for an algorithm.
    pub(crate) fn new(algorithm: Algorithm, kid: &str) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()),
            _ => EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()),
        };
        let key = key.unwrap();
        let mut jwk = if algorithm == Algorithm::EdDSA {
            json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw())})
        } else {
            serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap()
        };
        jwk.as_object_mut().unwrap().remove("alg");
        jwk["kid"] = json!(kid);
        Self { key, algorithm, kid: Some(kid.to_owned()), jwk }
    }

    /// Returns the signer with another algorithm of its kind of key.
    pub(crate) fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Returns the signer with another `kid` in its tokens.
    pub(crate) fn with_kid(self, kid: Option<&str>) -> Self {
        Self { kid: kid.map(str::to_owned), ..self }
    }

    /// Returns a member of the public key as text.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.jwk[name].as_str().unwrap()
    }

    /// Returns a valid token.
    pub(crate) fn token(&self) -> String {
        self.sign(&claims())
    }

    /// Returns a token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.kid);
        encode(&header, claims, &self.key).unwrap()
    }
}

/// The claims of a valid token.
pub(crate) fn claims() -> Value {
    json!({"iss": NAME, "aud": "orderflow", "sub": "C1", "exp": now() + 300})
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

/// What the issuer answers with.
#[derive(Clone)]
enum Answer {
    Text(StatusCode, String),
    Silence,
}

/// A server with `/keys` and a discovery document.
pub(crate) struct TestIssuer {
    pub(crate) url: String,
    answer: Arc<Mutex<Answer>>,
    fetches: Arc<AtomicUsize>,
}

impl TestIssuer {
    pub(crate) async fn start(signers: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Answer::Silence));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (current, count) = (answer.clone(), fetches.clone());
        let keys = move || {
            let current = current.lock().unwrap().clone();
            count.fetch_add(1, SeqCst);
            async move {
                match current {
                    Answer::Text(status, text) => (status, text),
                    Answer::Silence => std::future::pending().await,
                }
            }
        };
        let discovery = |name: &str| {
            let document = json!({"issuer": name, "jwks_uri": format!("{url}/keys")}).to_string();
            get(move || async move { document })
        };
        let router = Router::new()
            .route("/keys", get(keys))
            .route("/.well-known/openid-configuration", discovery(NAME))
            .route("/other/.well-known/openid-configuration", discovery("https://other"))
            .route("/moved", get(async || (StatusCode::FOUND, [("location", "/keys")])));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, answer, fetches };
        issuer.publish(signers);
        issuer
    }

    pub(crate) fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| &signer.jwk).collect();
        self.answer_with(200, json!({ "keys": keys }).to_string());
    }

    pub(crate) fn answer_with(&self, status: u16, text: String) {
        *self.answer.lock().unwrap() = Answer::Text(StatusCode::from_u16(status).unwrap(), text);
    }

    /// Lets the issuer accept requests without an answer.
    pub(crate) fn stall(&self) {
        *self.answer.lock().unwrap() = Answer::Silence;
    }

    /// Returns how often the keys were requested.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(SeqCst)
    }
}

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<std::time::Instant>>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(std::time::Instant::now())))
    }

    pub(crate) fn advance(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> std::time::Instant {
        *self.0.lock().unwrap()
    }
}
