use serde_json::json;

use super::*;
use crate::test_issuer::Signer;

fn parse(keys: &[&Value]) -> Result<KeySet, &'static str> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

#[test]
fn the_kind_of_a_key_pins_its_algorithms() {
    for (kind, expected) in [
        (Algorithm::RS256, RSA),
        (Algorithm::ES256, &[Algorithm::ES256]),
        (Algorithm::ES384, &[Algorithm::ES384]),
        (Algorithm::EdDSA, &[Algorithm::EdDSA]),
    ] {
        let signer = Signer::new(kind, "k");
        assert_eq!(parse(&[&signer.jwk]).unwrap().keys[0].1.algorithms(), expected);
    }
    let mut only_ps384 = Signer::new(Algorithm::RS256, "k").jwk;
    only_ps384["alg"] = json!("PS384");
    assert_eq!(parse(&[&only_ps384]).unwrap().keys[0].1.algorithms(), [Algorithm::PS384]);
}

#[test]
fn a_key_that_cannot_verify_signatures_is_left_out() {
    let (rsa, ec) = (Signer::new(Algorithm::RS256, "rsa").jwk, Signer::new(Algorithm::ES256, "ec").jwk);
    let with = |key: &Value, name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let good = Signer::new(Algorithm::ES256, "good").jwk;
    for bad in [
        json!({"kty": "oct", "kid": "k", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}),
        json!({"kty": "new", "kid": "k"}),
        json!({"kid": "k"}),
        json!(7),
        with(&rsa, "use", json!("enc")),
        with(&rsa, "use", json!(7)),
        with(&rsa, "key_ops", json!(["encrypt"])),
        with(&rsa, "alg", json!("ES256")),
        with(&rsa, "alg", json!("HS256")),
        with(&rsa, "alg", json!("RSA-OAEP")),
        with(&rsa, "alg", json!(7)),
        with(&rsa, "kid", json!(7)),
        with(&rsa, "n", json!("AQAB")),
        with(&rsa, "n", json!("not base64!")),
        with(&rsa, "d", json!("AQAB")),
        with(&ec, "crv", json!("P-384")),
        with(&ec, "crv", json!("P-521")),
        with(&ec, "crv", json!("Ed25519")),
        with(&ec, "x", json!("AQAB")),
        with(&ec, "alg", json!("ES384")),
        with(&ec, "kty", json!("OKP")),
        with(&ec, "kty", json!("RSA")),
    ] {
        assert!(parse(&[&bad]).is_err(), "{bad}");
        assert_eq!(parse(&[&bad, &good]).unwrap().len(), 1, "{bad}");
    }
    assert!(parse(&[&with(&rsa, "key_ops", json!(["verify"]))]).is_ok());
    assert!(parse(&[&with(&rsa, "use", json!("sig"))]).is_ok());
    for text in ["", "[]", "{}", r#"{"keys": 7}"#, r#"{"keys": []}"#] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
}
