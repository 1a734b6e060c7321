//! Failed requests to Stripe, and what they mean for an order.

use std::fmt;
use std::time::Duration;

use orderflow_settings::declared::STRIPE_API_KEY;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::gateway::GatewayError;

/// The codes of charges that Stripe declines because of the amount or the payment method, with status 400.
const DECLINE_CODES: [&str; 8] = [
    "amount_too_small",
    "amount_too_large",
    "payment_intent_incompatible_payment_method",
    "payment_method_currency_mismatch",
    "payment_method_customer_decline",
    "payment_method_provider_decline",
    "payment_method_unexpected_state",
    "payment_method_unsupported_type",
];

/// The code of a request that meets another request on the same object.
const LOCKED: &str = "lock_timeout";

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StripeError {
    /// The request was not sent.
    #[error("Stripe cannot be reached: {0}")]
    Unreached(String),
    /// The request was sent, and its outcome is not known.
    #[error("Stripe did not answer: {0}")]
    Unanswered(String),
    /// The answer is not Stripe's, but that of a proxy, a load balancer or a captive portal.
    #[error("the answer with status {} is not Stripe's; check STRIPE_API_URL and the proxies on the way", .0.as_u16())]
    Foreign(StatusCode),
    /// Stripe answered with an error.
    #[error("{0}")]
    Failed(Failure),
}

impl StripeError {
    /// Reads an answer that is not a success. Stripe's own answers contain an error object and are never redirects.
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

    /// Returns why the charge is declined; `None` for a failure that is not a decline.
    pub(super) fn declined(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => failure.declined(),
            Self::Unreached(_) | Self::Unanswered(_) | Self::Foreign(_) => None,
        }
    }

    /// Returns whether the state of the object does not allow the request.
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.status == StatusCode::BAD_REQUEST)
    }

    /// Converts the failure of a request that moves no money, so that it does not matter whether it arrived.
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

/// An error that Stripe answered with. Its message is omitted, because it may quote the customer's payment method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    error: ErrorBody,
    retry_after: Option<Duration>,
    /// Whether Stripe replays the answer to an earlier request with the same `Idempotency-Key`.
    pub(super) replayed: bool,
    request_id: Option<String>,
}

/// Stripe's error object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    /// A stable code.
    pub(super) code: Option<String>,
    /// The parameter that the error is about.
    param: Option<String>,
}

/// The body of an answer that is not a success.
#[derive(Deserialize)]
struct Envelope {
    error: TypedError,
}

#[derive(Deserialize)]
struct TypedError {
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "its presence distinguishes Stripe's answers from those of proxies")]
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
            || code.is_some_and(|code| DECLINE_CODES.contains(&code));
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
            // Every order fails until the key is corrected, so the failure says nothing about this order.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Self::Unavailable(format!("{} is not accepted: {failure}", STRIPE_API_KEY.variable))
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
