//! The settings of access, and the layer that enforces it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use orderflow_http::{Admission, Caller, Problem, ProblemKind, Stranger};
use orderflow_settings::declared::{
    AUTH, JWT_AUDIENCE, JWT_ISSUER, JWT_JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET,
};
use orderflow_settings::{NotAllowed, Reader, Refused};
use tokio::time::timeout;

use crate::audit::{Audited, is_operators};
use crate::issuer::{Issuer, parse_url};
use crate::jwks::Jwks;
use crate::keys::Key;
use crate::operations::{Need, need_of};
use crate::token_error::TokenError;
use crate::verifier::{Keys, Verifier};

/// The time in which the caller of a public operation has to be known. The operation answers everyone, and shows more to known callers; it must
/// not wait for the keys of an issuer that does not answer.
const KNOWN_WITHIN: Duration = Duration::from_millis(200);

const WHY: &str = "by ORDERFLOW_AUTH=jwt";

/// The extension of each request where callers are not authenticated.
#[derive(Debug, Clone, Copy)]
pub struct WithoutAuthentication;

/// Who may call the HTTP API.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `None` if callers are not authenticated.
    verifier: Option<Arc<Verifier>>,
}

impl Access {
    /// Reads the settings of access.
    ///
    /// # Errors
    /// [`Refused`] if protection is asked for and cannot be given: a setting is missing, not usable, or has no effect.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let is_jwt = reader.optional(&AUTH, |text| match text.trim() {
            "none" => Ok(false),
            "jwt" => Ok(true),
            _ => Err(NotAllowed),
        });
        let jwks_url = reader.optional(&JWT_JWKS_URL, parse_url);
        let secret = reader.optional(&JWT_SECRET, Key::secret);
        let public_key = reader.optional(&JWT_PUBLIC_KEY, Key::public);
        let issuer = reader.optional(&JWT_ISSUER, identifier);
        let audience = reader.optional(&JWT_AUDIENCE, identifier);
        if is_jwt.is_none() && reader.is_given(&AUTH) {
            // Recorded above.
            reader.require(&AUTH, "", is_jwt)?;
        }
        if is_jwt != Some(true) {
            for setting in [&JWT_JWKS_URL, &JWT_SECRET, &JWT_PUBLIC_KEY, &JWT_ISSUER, &JWT_AUDIENCE] {
                if reader.is_given(setting) {
                    return Err(reader.conflict([setting], |[name]| {
                        format!("{name} has no effect without ORDERFLOW_AUTH=jwt: set both, or neither")
                    }));
                }
            }
            return Ok(Self::default());
        }
        let issuer = reader.require(&JWT_ISSUER, WHY, issuer);
        let audience = reader.require(&JWT_AUDIENCE, WHY, audience);
        let keys = [&JWT_JWKS_URL, &JWT_SECRET, &JWT_PUBLIC_KEY];
        if keys.iter().filter(|setting| reader.is_given(setting)).count() != 1 {
            return Err(reader.conflict(keys, |[jwks_url, secret, public_key]| {
                format!("ORDERFLOW_AUTH=jwt needs exactly one of {jwks_url}, {secret} and {public_key}")
            }));
        }
        let one = |key: Option<Key>| key.map(Keys::One);
        let keys = if reader.is_given(&JWT_PUBLIC_KEY) {
            reader.require(&JWT_PUBLIC_KEY, WHY, one(public_key))
        } else if reader.is_given(&JWT_SECRET) {
            reader.require(&JWT_SECRET, WHY, one(secret))
        } else {
            let url = reader.require(&JWT_JWKS_URL, WHY, jwks_url);
            let issuer =
                Issuer::new(url?, issuer.as_ref().map_err(|refused| *refused)?).map_err(|error| {
                    reader.refuse_because(&JWT_JWKS_URL, format!("TLS cannot be set up: {error}"))
                })?;
            Ok(Keys::OfIssuer(Arc::new(Jwks::new(issuer))))
        };
        let verifier = Verifier::new(keys?, &issuer?, &audience?);
        Ok(Self { verifier: Some(Arc::new(verifier)) })
    }

    /// Returns whether every caller is let in without a token.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.verifier.is_none()
    }

    /// Fetches the keys of the issuer, where they come from its URL, so that the first request does not wait for them. If they cannot be
    /// fetched, logs it: until they are, requests with a token are answered 503.
    pub async fn prepare(&self) {
        if let Some(verifier) = &self.verifier {
            verifier.prepare().await;
        }
    }

    /// Puts the verification of tokens in front of a router. A request with a valid token carries its [`Caller`] as an extension.
    ///
    /// Answers 401 if an operation needs a token and the request has no valid one, 403 if the token lacks the scope, and 503 if no key of
    /// the issuer was fetched yet. An unknown path needs a valid token; an operation that the table does not have needs `admin`.
    ///
    /// The caller is admitted by [`Admission`], whatever else refuses the request, so that refused calls count too.
    /// Each call of an operator leaves a line in the audit log, also where callers are not authenticated.
    pub fn guard(&self, router: impl Into<Router>) -> Router {
        router.into().layer(from_fn_with_state(self.clone(), check))
    }
}

async fn check(State(access): State<Access>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let listed = route.as_deref().and_then(|route| need_of(&parts.method, route));
    let (caller, refusal) = match &access.verifier {
        None => {
            parts.extensions.insert(WithoutAuthentication);
            (None, None)
        }
        Some(verifier) => {
            // A path without a route is answered 404, but only to callers that are known.
            let unlisted = if route.is_some() { Need::OneOf(&[]) } else { Need::Token };
            admit(verifier, listed.unwrap_or(unlisted), &parts.headers).await
        }
    };
    // A token that is not valid counts for the address that it came from.
    let limited = Admission::admit(&parts.extensions, caller.as_ref()).err();
    let refusal = limited.or(refusal);
    let audited = match (&route, listed) {
        (Some(route), Some(need)) if is_operators(need, route, caller.as_ref()) => {
            Some(Audited::begin(&mut parts, route, caller.as_ref()).await)
        }
        _ => None,
    };
    let response = match refusal {
        Some(problem) => problem.into_response(),
        None => {
            if let Some(caller) = caller {
                parts.extensions.insert(caller);
            } else if access.verifier.is_some() {
                parts.extensions.insert(Stranger);
            }
            next.run(Request::from_parts(parts, body)).await
        }
    };
    if let Some(audited) = audited {
        audited.end(response.status(), response.extensions().get());
    }
    response
}

/// Returns the caller, if it is known, and the problem that it is answered with, if it is not let in.
async fn admit(verifier: &Verifier, need: Need, headers: &HeaderMap) -> (Option<Caller>, Option<Problem>) {
    if need == Need::Nothing {
        let known = timeout(KNOWN_WITHIN, verifier.caller(headers)).await;
        return (known.ok().and_then(Result::ok), None);
    }
    match (verifier.caller(headers).await, need) {
        (Err(error), _) => (None, Some(problem(&error))),
        (Ok(caller), Need::OneOf(scopes)) if !caller.has_one_of(scopes) => {
            (Some(caller), Some(Problem::new(ProblemKind::Forbidden, lacking(scopes))))
        }
        (Ok(caller), _) => (Some(caller), None),
    }
}

fn problem(error: &TokenError) -> Problem {
    let detail = error.to_string();
    match error {
        TokenError::Missing | TokenError::Invalid(_) => Problem::new(ProblemKind::Unauthenticated, detail),
        TokenError::Unavailable(wait) => {
            Problem::new(ProblemKind::Unavailable, detail).with_retry_after(*wait)
        }
    }
}

fn lacking(scopes: &[&str]) -> String {
    match scopes {
        [] => "The token needs the scope admin.".to_owned(),
        scopes => format!("The token needs the scope {}, or admin.", scopes.join(" or ")),
    }
}

/// Parses an issuer or an audience.
fn identifier(text: &str) -> Result<String, NotAllowed> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(NotAllowed)
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
