//! Verifies JSON Web Tokens (RFC 7519).

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, Header, TokenData, Validation};
use orderflow_http::Caller;
use serde::Deserialize;

use crate::jwks::Jwks;
use crate::keys::{Found, Key};
use crate::token_error::TokenError;

/// The tolerance for clocks that differ.
const LEEWAY_SECONDS: u64 = 60;

/// Why the key is missing. Says nothing about which keys there are.
const NO_KEY: &str = "no key is known for its algorithm and kid";

/// What signatures are verified with.
pub(crate) enum Keys {
    /// A key of the settings.
    One(Key),
    /// The keys of an issuer.
    OfIssuer(Arc<Jwks>),
}

/// Verifies tokens: signature, issuer, audience and times.
pub struct Verifier {
    keys: Keys,
    /// Without the algorithm, which is that of the token.
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
    pub(crate) fn new(keys: Keys, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::default();
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self { keys, validation }
    }

    /// Fetches the keys of the issuer, if there are none yet. A failure is logged; they are fetched again when a token needs them.
    pub async fn prepare(&self) {
        if let Keys::OfIssuer(jwks) = &self.keys {
            jwks.refresh().await;
        }
    }

    /// Returns the caller that the bearer token of a request names.
    ///
    /// # Errors
    /// [`TokenError`] if the request has not exactly one token, if it is not valid, or if no keys are known yet.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(TokenError::Missing) };
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(TokenError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Missing);
        }
        self.verify(token.trim()).await
    }

    async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(TokenError::invalid)?;
        let token = match &self.keys {
            Keys::One(key) if key.is_for(header.alg) => self.decode(token, &header, &[key])?,
            Keys::One(_) => return Err(TokenError::invalid(NO_KEY)),
            Keys::OfIssuer(_) if is_symmetric(header.alg) => return Err(TokenError::invalid(NO_KEY)),
            Keys::OfIssuer(jwks) => {
                let keys = jwks.keys_for(&header).await?;
                match keys.find(header.kid.as_deref(), header.alg) {
                    Found::Keys(keys) => self.decode(token, &header, &keys)?,
                    Found::UnknownKid | Found::NoneFits => return Err(TokenError::invalid(NO_KEY)),
                }
            }
        };
        // RFC 7515 section 4.1.11: a token with an extension that the receiver does not know is refused. None is known here.
        if token.header.crit.is_some() {
            return Err(TokenError::invalid("it needs an extension"));
        }
        let Claims { sub, scope, .. } = token.claims;
        if sub.trim().is_empty() {
            return Err(TokenError::invalid("its subject is empty"));
        }
        let scopes = match scope {
            None => Vec::new(),
            Some(Scopes::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Scopes::List(list)) => list,
        };
        Ok(Caller::new(sub, scopes))
    }

    /// Decodes a token that is valid with one of these keys, each of which is for its algorithm.
    fn decode(&self, token: &str, header: &Header, keys: &[&Key]) -> Result<TokenData<Claims>, TokenError> {
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let mut error = TokenError::invalid(NO_KEY);
        for key in keys {
            match jsonwebtoken::decode(token, &key.key, &validation) {
                Ok(token) => return Ok(token),
                Err(reason) => error = TokenError::invalid(reason),
            }
        }
        Err(error)
    }
}

/// Returns whether an algorithm verifies with the secret that signs. An issuer publishes no such key.
fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Verifier");
        match &self.keys {
            Keys::One(key) => debug.field("algorithms", &key.algorithms()),
            Keys::OfIssuer(jwks) => debug.field("keys", jwks),
        };
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
