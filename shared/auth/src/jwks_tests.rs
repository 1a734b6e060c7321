use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, encode};
use orderflow_http::Caller;
use serde_json::{Value, json};

use super::*;
use crate::issuer::parse_url;
use crate::keys::Key;
use crate::test_issuer::{NAME, Signer, TestClock, TestIssuer, bearer, claims, now};
use crate::verifier::{Keys, Verifier};

struct Setup {
    issuer: TestIssuer,
    clock: TestClock,
    verifier: Verifier,
}

fn verifier(url: &str, clock: &TestClock) -> Verifier {
    let clock = clock.clone();
    let issuer = Issuer::new(parse_url(url).unwrap(), NAME).unwrap();
    let jwks = Jwks::with_clock(issuer, Box::new(move || clock.now()));
    Verifier::new(Keys::OfIssuer(Arc::new(jwks)), NAME, "orderflow")
}

impl Setup {
    async fn new(signers: &[&Signer]) -> Self {
        let (issuer, clock) = (TestIssuer::start(signers).await, TestClock::new());
        let verifier = verifier(&format!("{}/keys", issuer.url), &clock);
        Self { issuer, clock, verifier }
    }

    async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        self.verifier.caller(&bearer(token)).await
    }

    async fn accepts(&self, signer: &Signer) -> bool {
        match self.verify(&signer.token()).await {
            Ok(_) => true,
            Err(TokenError::Invalid(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

fn signer(kid: &str) -> Signer {
    Signer::new(Algorithm::ES256, kid)
}

#[tokio::test]
async fn tokens_of_every_kind_of_key_are_verified() {
    for (kind, algorithms) in [
        (Algorithm::ES256, vec![Algorithm::ES256]),
        (Algorithm::ES384, vec![Algorithm::ES384]),
        (Algorithm::EdDSA, vec![Algorithm::EdDSA]),
        (Algorithm::RS256, vec![Algorithm::RS256, Algorithm::RS384, Algorithm::PS256, Algorithm::PS512]),
    ] {
        let mut signer = Signer::new(kind, "k");
        let setup = Setup::new(&[&signer]).await;
        for algorithm in algorithms {
            signer = signer.with_algorithm(algorithm);
            assert!(setup.accepts(&signer).await, "{algorithm:?}");
        }
        assert_eq!(setup.issuer.fetches(), 1);
    }
}

#[tokio::test]
async fn a_token_that_is_not_of_the_issuer_is_refused() {
    let (ec, rsa) = (signer("ec"), Signer::new(Algorithm::RS256, "rsa"));
    let setup = Setup::new(&[&ec, &rsa]).await;
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.", part(json!({"alg": alg, "kid": "ec"})), part(claims()));
    let by_public_key = |text: &str, kid: Option<&str>| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = kid.map(str::to_owned);
        encode(&header, &claims(), &EncodingKey::from_secret(text.as_bytes())).unwrap()
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        ec.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        ec.sign(&claims)
    };
    for token in [
        unsigned("none"),
        unsigned("ES256"),
        unsigned("HS256"),
        by_public_key(ec.part("x"), Some("ec")),
        by_public_key(rsa.part("n"), Some("rsa")),
        by_public_key(rsa.part("n"), None),
        // Another key under a known kid, a kid of another kind of key, and an unknown kid.
        signer("ec").token(),
        Signer::new(Algorithm::RS256, "rsa").token(),
        signer("ec").with_kid(Some("rsa")).token(),
        signer("other").token(),
        with("iss", json!("https://other")),
        with("aud", json!("other")),
        with("exp", json!(now() - 120)),
        with("exp", json!((now() + 300).to_string())),
        with("nbf", json!(now() + 120)),
        without("exp"),
        without("iss"),
        without("aud"),
        without("sub"),
        String::new(),
    ] {
        assert!(matches!(setup.verify(&token).await, Err(TokenError::Invalid(_))), "{token}");
    }
    assert!(setup.accepts(&ec).await);
}

#[tokio::test]
async fn a_token_without_a_kid_needs_exactly_one_fitting_key() {
    let (one, rsa, other) =
        (signer("one").with_kid(None), Signer::new(Algorithm::RS256, "rsa"), signer("other"));
    let setup = Setup::new(&[&one, &rsa]).await;
    assert!(setup.accepts(&one).await);
    let setup = Setup::new(&[&one, &rsa, &other]).await;
    assert!(!setup.accepts(&one).await);
    let setup = Setup::new(&[&rsa]).await;
    assert!(!setup.accepts(&one).await);
}

#[tokio::test]
async fn keys_with_the_same_kid_are_all_keys_of_the_issuer() {
    let (old, new, rsa) = (signer("k"), signer("k"), Signer::new(Algorithm::RS256, "k"));
    let setup = Setup::new(&[&old, &rsa, &new]).await;
    for signer in [&old, &rsa, &new] {
        assert!(setup.accepts(signer).await);
    }
    assert!(!setup.accepts(&signer("k")).await);
}

#[tokio::test]
async fn a_key_that_is_new_at_the_issuer_is_fetched() {
    let (old, new) = (signer("old"), signer("new"));
    let setup = Setup::new(&[&old]).await;
    assert!(setup.accepts(&old).await);
    setup.issuer.publish(&[&old, &new]);
    // Not before the floor, so that unknown kids cannot burden the issuer.
    assert!(!setup.accepts(&new).await);
    setup.clock.advance(FLOOR);
    assert!(setup.accepts(&new).await && setup.accepts(&old).await);
    assert_eq!(setup.issuer.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_is_one_fetch_in_ten_seconds() {
    let known = signer("known");
    let setup = Setup::new(&[&known]).await;
    let tokens: Vec<_> = (0..50).map(|n| signer(&format!("unknown-{n}")).token()).collect();
    for fetches in 1..4 {
        let requests = tokens.iter().map(|token| setup.verify(token));
        for refused in futures::future::join_all(requests).await {
            assert!(matches!(refused, Err(TokenError::Invalid(_))));
        }
        assert!(setup.accepts(&known).await);
        assert_eq!(setup.issuer.fetches(), fetches);
        setup.clock.advance(FLOOR);
    }
}

#[tokio::test]
async fn tokens_that_cannot_be_of_the_issuer_cause_no_fetch() {
    let setup = Setup::new(&[&signer("k")]).await;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k".to_owned());
    let token = encode(&header, &claims(), &EncodingKey::from_secret(b"secret")).unwrap();
    for token in [&token, "text", "a.b.c"] {
        assert!(matches!(setup.verify(token).await, Err(TokenError::Invalid(_))));
    }
    assert_eq!(setup.issuer.fetches(), 0);
}

#[tokio::test]
async fn known_keys_stay_valid_while_the_issuer_is_down() {
    let (known, new) = (signer("known"), signer("new"));
    let setup = Setup::new(&[&known]).await;
    assert!(setup.accepts(&known).await);
    for answer in [(500, ""), (200, "no JSON"), (200, r#"{"keys":[]}"#), (404, r#"{"keys":[]}"#)] {
        setup.issuer.answer_with(answer.0, answer.1.to_owned());
        setup.clock.advance(MAX_AGE * 3);
        assert!(setup.accepts(&known).await, "{answer:?}");
        assert!(!setup.accepts(&new).await, "{answer:?}");
    }
    // A token with a known key does not wait for an issuer that does not answer.
    setup.issuer.stall();
    setup.clock.advance(MAX_AGE);
    let started = Instant::now();
    assert!(setup.accepts(&known).await && setup.accepts(&known).await);
    assert!(started.elapsed() < PATIENCE * 3, "{:?}", started.elapsed());
    assert_eq!(setup.issuer.fetches(), 6);
}

#[tokio::test]
async fn a_key_that_the_issuer_withdraws_is_forgotten_after_the_maximum_age() {
    let (old, new) = (signer("old"), signer("new"));
    let setup = Setup::new(&[&old]).await;
    assert!(setup.accepts(&old).await);
    setup.issuer.publish(&[&new]);
    assert!(setup.accepts(&old).await);
    setup.clock.advance(MAX_AGE);
    assert!(!setup.accepts(&old).await && setup.accepts(&new).await);
}

#[tokio::test]
async fn without_any_keys_tokens_cannot_be_verified() {
    let known = signer("known");
    let setup = Setup::new(&[&known]).await;
    setup.issuer.answer_with(500, String::new());
    setup.verifier.prepare().await;
    for _ in 0..3 {
        let refused = setup.verify(&known.token()).await;
        assert!(matches!(refused, Err(TokenError::Unavailable(wait)) if wait == FLOOR), "{refused:?}");
    }
    assert_eq!(setup.issuer.fetches(), 1);
    setup.issuer.publish(&[&known]);
    setup.clock.advance(FLOOR);
    assert!(setup.accepts(&known).await);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_the_fetch() {
    let known = signer("known");
    let setup = Setup::new(&[&known]).await;
    let token = known.token();
    let mut request = Box::pin(setup.verify(&token));
    assert!(futures::poll!(&mut request).is_pending());
    drop(request);
    assert!(setup.accepts(&known).await);
    assert_eq!(setup.issuer.fetches(), 1);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let known = signer("known");
    let setup = Setup::new(&[&known]).await;
    let padding = "x".repeat(300 * 1024);
    setup.issuer.answer_with(200, json!({"keys": [known.jwk], "padding": padding}).to_string());
    assert!(matches!(setup.verify(&known.token()).await, Err(TokenError::Unavailable(_))));
}

#[tokio::test]
async fn the_discovery_document_leads_to_the_keys() {
    let known = signer("known");
    let issuer = TestIssuer::start(&[&known]).await;
    for (path, is_accepted) in [
        ("/.well-known/openid-configuration", true),
        ("//.well-known/openid-configuration", true),
        // Another issuer, a redirect, and no document.
        ("/other/.well-known/openid-configuration", false),
        ("/moved", false),
        ("/none", false),
    ] {
        let verifier = verifier(&format!("{}{path}", issuer.url), &TestClock::new());
        assert_eq!(verifier.caller(&bearer(&known.token())).await.is_ok(), is_accepted, "{path}");
    }
}

#[test]
fn keys_are_fetched_over_https_or_from_this_machine() {
    for url in ["https://i/keys", "http://127.0.0.1:8/keys", "http://[::1]/keys", "http://localhost:1/k?a=b"]
    {
        assert!(parse_url(url).is_ok(), "{url}");
    }
    for url in [
        "http://i/keys",
        "http://10.0.0.1/keys",
        "http://127.0.0.1.example.com/keys",
        "http://localhost.example.com/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://user@i/",
        "https://:password@i/",
        "i/keys",
        "",
    ] {
        assert!(parse_url(url).is_err(), "{url}");
    }
}

#[test]
fn a_key_of_the_settings_needs_no_issuer() {
    let verifier = Verifier::new(Keys::One(Key::secret(&"s".repeat(32)).unwrap()), NAME, "orderflow");
    assert_eq!(format!("{verifier:?}"), "Verifier { algorithms: [HS256], .. }");
}
