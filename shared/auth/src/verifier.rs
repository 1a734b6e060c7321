//! Verifies JSON Web Tokens (RFC 7519) with one key.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use orderflow_http::Caller;
use serde::Deserialize;

/// The tolerance for clocks that differ.
const LEEWAY_SECONDS: u64 = 60;

/// The shortest secret: as many bits as HMAC-SHA-256 has (RFC 7518 section 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// The least length of an RSA key of 2048 bits (RFC 7518 section 3.3), in bytes of PKCS#1.
const RSA_BYTES_MIN: usize = 256;

/// The length of an uncompressed point of P-256, which ES256 uses.
const P256_BYTES: usize = 65;

/// Why a request has no valid token. The text is sent; it says nothing about the key.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no header `Authorization`, several, or one of another scheme.
    #[error("Send one header `Authorization: Bearer TOKEN`.")]
    Missing,
    /// The token is not valid.
    #[error("The token is not valid: {0}.")]
    Invalid(String),
}

/// A key, with the one algorithm that its kind is for.
pub(crate) struct Key {
    key: DecodingKey,
    algorithm: Algorithm,
}

impl Key {
    /// Takes a secret for HS256. The error completes "it cannot be used: ...".
    pub(crate) fn secret(text: &str) -> Result<Self, &'static str> {
        if text.len() < SECRET_BYTES_MIN {
            return Err("it is shorter than 32 bytes");
        }
        Ok(Self { key: DecodingKey::from_secret(text.as_bytes()), algorithm: Algorithm::HS256 })
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
            let key = Self { key, algorithm: Algorithm::ES256 };
            return if is_p256 { Ok(key) } else { Err("its curve is not P-256") };
        }
        match DecodingKey::from_rsa_pem(pem.as_bytes()) {
            Ok(key) if key.as_bytes().len() >= RSA_BYTES_MIN => Ok(Self { key, algorithm: Algorithm::RS256 }),
            Ok(_) => Err("it is shorter than 2048 bits"),
            Err(_) => Err("it is neither an RSA key nor a P-256 key"),
        }
    }
}

/// Verifies tokens: signature, issuer, audience and times.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

/// The claims that are used. Their types are checked here: a claim of another type makes the token invalid.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    _issuer: String,
    #[serde(rename = "exp")]
    _expires: f64,
    sub: String,
    #[serde(default)]
    scope: Option<Scopes>,
}

/// Scopes: separated by spaces (RFC 8693 section 4.2), or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scopes {
    Text(String),
    List(Vec<String>),
}

impl Verifier {
    pub(crate) fn new(key: Key, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self { key: key.key, validation }
    }

    /// Returns the caller that the bearer token of a request names.
    ///
    /// # Errors
    /// [`TokenError`] if the request has not exactly one token, or if it is not valid.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(TokenError::Missing) };
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(TokenError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Missing);
        }
        self.verify(token.trim())
    }

    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let invalid = |reason: &str| TokenError::Invalid(reason.to_owned());
        let token = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|error| TokenError::Invalid(error.to_string()))?;
        // RFC 7515 section 4.1.11: a token with an extension that the receiver does not know is refused. None is known here.
        if token.header.crit.is_some() {
            return Err(invalid("it needs an extension"));
        }
        let Claims { sub, scope, .. } = token.claims;
        if sub.trim().is_empty() {
            return Err(invalid("its subject is empty"));
        }
        let scopes = match scope {
            None => Vec::new(),
            Some(Scopes::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Scopes::List(list)) => list,
        };
        Ok(Caller::new(sub, scopes))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("algorithms", &self.validation.algorithms).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
