//! An issuer of tokens, like an OpenID provider.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The audience of tokens.
pub(super) const AUDIENCE: &str = "orderflow";

const KEY_ID: &str = "key-1";

/// The position of the modulus in a key of 2,048 bits (PKCS #1, RFC 8017).
const MODULUS: Range<usize> = 9..265;

/// The position of its exponent, which is three bytes long.
const EXPONENT: Range<usize> = 267..270;

const HOUR: Duration = Duration::from_secs(3_600);

/// An issuer that ends with the runtime of the test.
pub(super) struct Issuer {
    pub url: String,
    key: KeyPair,
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let key = new_key();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let configuration = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let keys = json!({"keys": [public(&key)]});
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async || Json(configuration)))
            .route("/keys", get(async || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key }
    }

    /// Returns an impostor: it names this issuer but signs with another key.
    pub(super) fn forger(&self) -> Self {
        Self { url: self.url.clone(), key: new_key() }
    }

    /// Returns the claims of a token with a scope for this audience.
    pub(super) fn claims(&self, scope: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        json!({
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "shop-backend",
            "scope": scope,
            "iat": now.as_secs(),
            "exp": (now + HOUR).as_secs(),
        })
    }

    /// Returns the token with these claims (JWT, RFC 7519, signed with RS256).
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID});
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encoded(signature))
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).unwrap()
}

/// Returns the public key (JWK, RFC 7517).
fn public(key: &KeyPair) -> Value {
    let key = key.public_key().as_ref();
    json!({
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": KEY_ID,
        "n": encoded(&key[MODULUS]),
        "e": encoded(&key[EXPONENT]),
    })
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
