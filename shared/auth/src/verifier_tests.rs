use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderValue;
use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"iss": "https://issuer", "aud": "orderflow", "sub": "C1", "exp": now() + 300})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn sign(claims: &Value, secret: &str) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn verifier(key: Key) -> Verifier {
    Verifier::new(Keys::One(key), "https://issuer", "orderflow")
}

fn hs256() -> Verifier {
    verifier(Key::secret(SECRET).unwrap())
}

fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

#[tokio::test]
async fn a_token_names_the_caller_and_its_scopes() {
    for (scope, expected) in [
        (Value::Null, vec![]),
        (json!("catalog:write operate"), vec!["catalog:write", "operate"]),
        (json!(["operate"]), vec!["operate"]),
    ] {
        let caller = hs256().caller(&bearer(&sign(&with("scope", scope), SECRET))).await.unwrap();
        assert_eq!(caller, Caller::new("C1".to_owned(), expected.into_iter().map(str::to_owned)));
    }
    // An audience may be one of several, and clocks may differ by a minute.
    for claims in [
        with("aud", json!(["other", "orderflow"])),
        with("exp", json!(now() - 30)),
        with("nbf", json!(now() + 30)),
    ] {
        hs256().caller(&bearer(&sign(&claims, SECRET))).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_with_a_wrong_claim_is_refused() {
    let mut cases: Vec<(String, Value)> =
        ["exp", "iss", "aud", "sub"].map(|name| (format!("no {name}"), without(name))).into();
    cases.extend(
        [
            ("exp", json!(now() - 120)),
            ("exp", json!((now() + 300).to_string())),
            ("exp", Value::Null),
            ("exp", json!(-1)),
            ("nbf", json!(now() + 120)),
            ("nbf", json!("0")),
            ("iss", json!("https://other")),
            ("iss", json!(["https://issuer"])),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("aud", json!(7)),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("scope", json!(7)),
        ]
        .map(|(name, value)| (format!("{name}={value}"), with(name, value))),
    );
    for (case, claims) in cases {
        assert!(hs256().caller(&bearer(&sign(&claims, SECRET))).await.is_err(), "{case}");
    }
}

#[tokio::test]
async fn a_token_with_another_key_or_algorithm_is_refused() {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "typ": "JWT"})), part(&claims()));
    let valid = sign(&claims(), SECRET);
    let mut critical = Header::new(Algorithm::HS256);
    critical.crit = Some(vec!["b64".to_owned()]);
    let critical = encode(&critical, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    let hs512 =
        encode(&Header::new(Algorithm::HS512), &claims(), &EncodingKey::from_secret(SECRET.as_bytes()))
            .unwrap();
    for token in [
        unsigned("none"),
        unsigned("None"),
        unsigned("HS256"),
        sign(&claims(), "another secret of thirty-two bytes"),
        valid[..valid.len() - 4].to_owned(),
        valid.rsplit_once('.').unwrap().0.to_owned(),
        critical,
        hs512,
        String::new(),
    ] {
        assert!(hs256().caller(&bearer(&token)).await.is_err(), "{token}");
    }
}

#[tokio::test]
async fn a_public_key_accepts_its_own_algorithm_only() {
    let (ec, other_ec) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let by_ec = |pair: &KeyPair| {
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        encode(&Header::new(Algorithm::ES256), &claims(), &key).unwrap()
    };
    let by_rsa = |algorithm| {
        let key = EncodingKey::from_rsa_pem(rsa.serialize_pem().as_bytes()).unwrap();
        encode(&Header::new(algorithm), &claims(), &key).unwrap()
    };
    let ec_pem = ec.public_key_pem();
    // As in a variable that holds one line.
    let rsa_pem = rsa.public_key_pem().replace('\n', "\\n");
    let with_ec = verifier(Key::public(&ec_pem).unwrap());
    let with_rsa = verifier(Key::public(&rsa_pem).unwrap());
    with_ec.caller(&bearer(&by_ec(&ec))).await.unwrap();
    with_rsa.caller(&bearer(&by_rsa(Algorithm::RS256))).await.unwrap();
    for token in [by_ec(&other_ec), by_rsa(Algorithm::RS256), sign(&claims(), &ec_pem)] {
        assert!(with_ec.caller(&bearer(&token)).await.is_err());
    }
    for token in [by_ec(&ec), by_rsa(Algorithm::RS512), sign(&claims(), &rsa.public_key_pem())] {
        assert!(with_rsa.caller(&bearer(&token)).await.is_err());
    }
    for text in [ec.serialize_pem(), rsa.serialize_pem(), "text".to_owned(), ec_pem[..60].to_owned()] {
        assert!(Key::public(&text).is_err());
    }
}

#[tokio::test]
async fn a_request_needs_exactly_one_token() {
    let token = sign(&claims(), SECRET);
    let mut twice = bearer(&token);
    twice.append(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    let basic = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic YTpi"))]);
    for headers in [HeaderMap::new(), twice, basic] {
        assert!(matches!(hs256().caller(&headers).await, Err(TokenError::Missing)));
    }
}
