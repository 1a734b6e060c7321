//! Requests to Stripe that did not go through, and what they mean for an order.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use super::settings::API_KEY;
use crate::gateway::GatewayError;

/// What Stripe never charges: amounts that nobody can pay, and means of payment that cannot pay this.
const UNPAYABLE: [&str; 8] = [
    "amount_too_small",
    "amount_too_large",
    "payment_intent_incompatible_payment_method",
    "payment_method_currency_mismatch",
    "payment_method_customer_decline",
    "payment_method_provider_decline",
    "payment_method_unexpected_state",
    "payment_method_unsupported_type",
];

/// Somebody else's request works on the same object.
const LOCKED: &str = "lock_timeout";

/// A request that did not go through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StripeError {
    /// Nothing was sent.
    #[error("Stripe cannot be reached: {0}")]
    Unreached(String),
    /// It was sent; what came of it is not known.
    #[error("no answer of Stripe: {0}")]
    Unanswered(String),
    /// Something on the way answered in Stripe's place: a proxy, a load balancer, a portal that wants a login.
    #[error("an answer that is not Stripe's: {}", .0.as_u16())]
    Foreign(StatusCode),
    /// Stripe answered that it failed.
    #[error("{0}")]
    Failed(Failure),
}

impl StripeError {
    /// Reads an answer that is no success. Stripe's own names an error, and never leads elsewhere.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        match serde_json::from_slice::<Envelope>(body) {
            Ok(Envelope { error }) if !status.is_redirection() => {
                Self::Failed(Failure::read(status, headers, error.body))
            }
            _ => Self::Foreign(status),
        }
    }

    pub(super) fn of_sending(error: reqwest::Error) -> Self {
        let reached = !error.is_connect();
        let reason = error.without_url().to_string();
        if reached { Self::Unanswered(reason) } else { Self::Unreached(reason) }
    }

    /// Why the customer's means of payment cannot pay this; none where something else is wrong.
    pub(super) fn declined(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => failure.declined(),
            Self::Unreached(_) | Self::Unanswered(_) | Self::Foreign(_) => None,
        }
    }

    /// Whether Stripe does not do that to an object in the state that it is in.
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.status == StatusCode::BAD_REQUEST)
    }

    /// What it means where the request moves no money, whether it arrived or not.
    pub(super) fn without_effect(self) -> GatewayError {
        match self.into() {
            GatewayError::Unknown(reason) => GatewayError::Unavailable(reason),
            other => other,
        }
    }
}

impl From<StripeError> for GatewayError {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Unreached(_) => Self::Unavailable(error.to_string()),
            StripeError::Unanswered(_) | StripeError::Foreign(_) => Self::Unknown(error.to_string()),
            StripeError::Failed(failure) => failure.into(),
        }
    }
}

/// An answer of Stripe that is no success. Its message is left out: it may quote the customer's means of payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    error: ErrorBody,
    retry_after: Option<Duration>,
    /// Whether the answer is that of an earlier request with the same `Idempotency-Key`.
    pub(super) replayed: bool,
    request_id: Option<String>,
}

/// What is at fault, in Stripe's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    /// A stable code.
    pub(super) code: Option<String>,
    /// The parameter at fault.
    param: Option<String>,
}

/// How Stripe words an answer that is no success.
#[derive(Deserialize)]
struct Envelope {
    error: TypedError,
}

#[derive(Deserialize)]
struct TypedError {
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "that there is one tells Stripe's answers from others")]
    kind: String,
    #[serde(flatten)]
    body: ErrorBody,
}

impl Failure {
    fn read(status: StatusCode, headers: &HeaderMap, error: ErrorBody) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let seconds = text(RETRY_AFTER.as_str()).and_then(|value| value.trim().parse().ok());
        Self {
            status,
            error,
            retry_after: seconds.map(Duration::from_secs),
            replayed: text("idempotent-replayed") == Some("true"),
            request_id: text("request-id").map(str::to_owned),
        }
    }

    fn declined(&self) -> Option<String> {
        let code = self.error.code.as_deref();
        let declined = self.status == StatusCode::PAYMENT_REQUIRED
            || self.error.param.as_deref() == Some("payment_method")
            || code.is_some_and(|code| UNPAYABLE.contains(&code));
        declined.then(|| code.unwrap_or("card_declined").to_owned())
    }

    fn is_locked(&self) -> bool {
        self.status == StatusCode::CONFLICT || self.error.code.as_deref() == Some(LOCKED)
    }
}

impl From<Failure> for GatewayError {
    fn from(failure: Failure) -> Self {
        match failure.status {
            _ if failure.is_locked() => Self::Unknown(failure.to_string()),
            // Every order would meet the same until somebody sets it right, so none is to blame.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Self::Unavailable(format!("{API_KEY} is not accepted: {failure}"))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => match failure.retry_after {
                Some(retry_after) => Self::Busy { retry_after },
                None => Self::Unavailable(failure.to_string()),
            },
            status if status.is_server_error() => Self::Unknown(failure.to_string()),
            _ => Self::Refused(failure.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stripe answered {}", self.status.as_u16())?;
        for part in [&self.error.code, &self.error.param, &self.request_id].into_iter().flatten() {
            write!(f, ", {part}")?;
        }
        Ok(())
    }
}
