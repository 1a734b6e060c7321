//! Keys, each with the algorithms that its kind is for.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// The shortest secret: as many bits as HMAC-SHA-256 has (RFC 7518 section 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// The least length of an RSA key of 2048 bits (RFC 7518 section 3.3), in bytes of PKCS#1 or of its modulus.
const RSA_BYTES_MIN: usize = 256;

/// The length of the modulus of an RSA key of 8192 bits. Longer ones would make each verification slow.
const RSA_BYTES_MAX: usize = 1024;

/// The length of an uncompressed point of P-256, which ES256 uses.
const P256_BYTES: usize = 65;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Members of a JSON Web Key that no public key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key, with the algorithms that its kind is for.
pub(crate) struct Key {
    /// The key.
    pub(crate) key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl Key {
    /// Takes a secret for HS256. The error completes "it cannot be used: ...".
    pub(crate) fn secret(text: &str) -> Result<Self, &'static str> {
        if text.len() < SECRET_BYTES_MIN {
            return Err("it is shorter than 32 bytes");
        }
        Ok(Self { key: DecodingKey::from_secret(text.as_bytes()), algorithms: vec![Algorithm::HS256] })
    }

    /// Takes a public key in PEM, for RS256 or ES256. `\n` may stand for the ends of lines, as in variables that hold one line.
    pub(crate) fn public(text: &str) -> Result<Self, &'static str> {
        let pem = text.trim().replace("\\n", "\n");
        if !(pem.starts_with("-----BEGIN PUBLIC KEY-----")
            || pem.starts_with("-----BEGIN RSA PUBLIC KEY-----"))
        {
            return Err("it does not begin with -----BEGIN PUBLIC KEY-----");
        }
        if let Ok(key) = DecodingKey::from_ec_pem(pem.as_bytes()) {
            let is_p256 = key.as_bytes().len() == P256_BYTES;
            let key = Self { key, algorithms: vec![Algorithm::ES256] };
            return if is_p256 { Ok(key) } else { Err("its curve is not P-256") };
        }
        match DecodingKey::from_rsa_pem(pem.as_bytes()) {
            Ok(key) if key.as_bytes().len() >= RSA_BYTES_MIN => {
                Ok(Self { key, algorithms: vec![Algorithm::RS256] })
            }
            Ok(_) => Err("it is shorter than 2048 bits"),
            Err(_) => Err("it is neither an RSA key nor a P-256 key"),
        }
    }

    /// Returns whether tokens with this algorithm may be verified with the key.
    pub(crate) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Returns the algorithms that the key is for.
    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }
}

/// The public keys of an issuer (JSON Web Key Set, RFC 7517 section 5).
pub(crate) struct KeySet {
    keys: Vec<(Option<String>, Key)>,
}

/// The keys of a set that a token may be signed with.
pub(crate) enum Found<'a> {
    /// These keys, of which at least one exists. Several have the same `kid`.
    Keys(Vec<&'a Key>),
    /// The set has no key with the `kid` of the token: a later set may have one.
    UnknownKid,
    /// The token names no key and could be of several or of none, or the key that it names is not for its algorithm.
    NoneFits,
}

impl KeySet {
    /// Reads the keys that can be used to verify signatures. A key of an unknown kind, for another use or algorithm, or with a private part
    /// is left out, as RFC 7517 section 5 says. The error completes "the keys of the issuer cannot be used: ...".
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(text).map_err(|_| "the answer is not JSON")?;
        let Some(members) = set.get("keys").and_then(Value::as_array) else {
            return Err("the answer is not a JSON Web Key Set");
        };
        let keys: Vec<_> = members.iter().filter_map(public_key).collect();
        if keys.is_empty() { Err("the answer has no key for signatures") } else { Ok(Self { keys }) }
    }

    /// Returns the number of keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Finds the keys for a token by the `kid` and the `alg` of its header.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let is_named = |id: &Option<String>| kid.is_none() || id.as_deref() == kid;
        let named = || self.keys.iter().filter(|(id, _)| is_named(id)).map(|(_, key)| key);
        if kid.is_some() && named().next().is_none() {
            return Found::UnknownKid;
        }
        let fitting: Vec<&Key> = named().filter(|key| key.is_for(algorithm)).collect();
        // Several under one `kid` are all keys of the issuer: RFC 7517 section 4.5 allows equivalent alternatives.
        if fitting.is_empty() || kid.is_none() && fitting.len() > 1 {
            return Found::NoneFits;
        }
        Found::Keys(fitting)
    }
}

/// Reads one JSON Web Key; `None` if it is not a public key for signatures.
fn public_key(member: &Value) -> Option<(Option<String>, Key)> {
    let text = |name: &str| member.get(name).and_then(Value::as_str);
    if PRIVATE.iter().any(|name| member.get(*name).is_some()) {
        return None;
    }
    if member.get("use").is_some_and(|value| value != "sig") {
        return None;
    }
    let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    if member.get("key_ops").is_some_and(|ops| !verifies(ops)) {
        return None;
    }
    let kid = match member.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str()?.to_owned()),
    };
    let length = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(name)?).ok().map(|bytes| bytes.len());
    let (key, algorithms) = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
            let significant = bytes.iter().skip_while(|byte| **byte == 0).count();
            if !(RSA_BYTES_MIN..=RSA_BYTES_MAX).contains(&significant) {
                return None;
            }
            (DecodingKey::from_rsa_components(text("n")?, text("e")?), RSA)
        }
        ("EC", Some("P-256")) if (length("x"), length("y")) == (Some(32), Some(32)) => {
            (DecodingKey::from_ec_components(text("x")?, text("y")?), &[Algorithm::ES256][..])
        }
        ("EC", Some("P-384")) if (length("x"), length("y")) == (Some(48), Some(48)) => {
            (DecodingKey::from_ec_components(text("x")?, text("y")?), &[Algorithm::ES384][..])
        }
        ("OKP", Some("Ed25519")) if length("x") == Some(32) => {
            (DecodingKey::from_ed_components(text("x")?), &[Algorithm::EdDSA][..])
        }
        // Among them `oct`: a secret that is published is none.
        _ => return None,
    };
    let algorithms = match member.get("alg") {
        None => algorithms.to_vec(),
        Some(alg) => {
            let only: Algorithm = alg.as_str()?.parse().ok()?;
            algorithms.iter().copied().filter(|algorithm| *algorithm == only).collect()
        }
    };
    if algorithms.is_empty() { None } else { Some((kid, Key { key: key.ok()?, algorithms })) }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
