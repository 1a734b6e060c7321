//! The kinds of problems that the API responds with.

use http::StatusCode;
use serde::{Serialize, Serializer};

/// The extension of an OpenAPI operation with which a handler declares its own kinds of problems, in addition to those that follow
/// from its parameters.
pub const PROBLEMS: &str = "x-problems";

/// A kind of problem: its status, its slug (the end of `type`) and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// 400: the request cannot be parsed.
    MalformedRequest,
    /// 400: the request is not signed by the payment provider.
    InvalidSignature,
    /// 401: the request has no valid token.
    Unauthenticated,
    /// 403: the token does not allow this.
    Forbidden,
    /// 403: a page of another site sent the request.
    CrossSiteRequest,
    /// 404: the resource does not exist.
    NotFound,
    /// 405: the path does not support this method.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 409: the order has already ended.
    OrderNotCancellable,
    /// 409: a resource with this name exists.
    AlreadyExists,
    /// 409: the stock would fall below zero.
    InsufficientStock,
    /// 409: the payment has no failed refund, or the provider refuses the refund again.
    PaymentNotRefundable,
    /// 409: an order of the customer is not settled.
    CustomerHasOpenOrders,
    /// 412: the resource does not have the version that `If-Match` names.
    PreconditionFailed,
    /// 413: the body is larger than [`crate::MAX_BODY_BYTES`].
    PayloadTooLarge,
    /// 415: the content type is not JSON.
    UnsupportedMediaType,
    /// 421: the `Host` of the request is not one of this server.
    MisdirectedRequest,
    /// 422: fields are invalid; the problem names them.
    InvalidRequest,
    /// 422: products are unknown; the problem names their fields.
    UnknownProduct,
    /// 422: the Idempotency-Key was used for another request.
    IdempotencyKeyReused,
    /// 422: the cursor is not one of this listing with these filters.
    InvalidCursor,
    /// 422: these parameters or fields cannot be combined.
    InvalidCombination,
    /// 422: the time range is backwards, or longer than one response can have.
    InvalidRange,
    /// 422: the price is not in the currency of the shop.
    CurrencyNotAccepted,
    /// 422: the payment provider never charges this amount.
    AmountNotChargeable,
    /// 422: a text has characters that people cannot see, or that hide others.
    TextNotSuitable,
    /// 422: the lines of one sku ask for more units than an order may have.
    QuantityExceeded,
    /// 422: no template has this name and channel.
    UnknownTemplate,
    /// 422: the template cannot be rendered with these variables.
    VariablesNotSuitable,
    /// 422: the consumer could not process this event.
    EventNotAccepted,
    /// 429: too many requests.
    RateLimited,
    /// 503: more requests are in flight than can be answered in time.
    Overloaded,
    /// 503: a server error; the same request may succeed later.
    Unavailable,
}

impl ProblemKind {
    /// All kinds.
    pub const ALL: [Self; 33] = [
        Self::MalformedRequest,
        Self::InvalidSignature,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossSiteRequest,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::OrderNotCancellable,
        Self::AlreadyExists,
        Self::InsufficientStock,
        Self::PaymentNotRefundable,
        Self::CustomerHasOpenOrders,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::MisdirectedRequest,
        Self::InvalidRequest,
        Self::UnknownProduct,
        Self::IdempotencyKeyReused,
        Self::InvalidCursor,
        Self::InvalidCombination,
        Self::InvalidRange,
        Self::CurrencyNotAccepted,
        Self::AmountNotChargeable,
        Self::TextNotSuitable,
        Self::QuantityExceeded,
        Self::UnknownTemplate,
        Self::VariablesNotSuitable,
        Self::EventNotAccepted,
        Self::RateLimited,
        Self::Overloaded,
        Self::Unavailable,
    ];

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest | Self::InvalidSignature => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSiteRequest => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::OrderNotCancellable
            | Self::AlreadyExists
            | Self::InsufficientStock
            | Self::PaymentNotRefundable
            | Self::CustomerHasOpenOrders => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
            Self::InvalidRequest
            | Self::UnknownProduct
            | Self::IdempotencyKeyReused
            | Self::InvalidCursor
            | Self::InvalidCombination
            | Self::InvalidRange
            | Self::CurrencyNotAccepted
            | Self::AmountNotChargeable
            | Self::TextNotSuitable
            | Self::QuantityExceeded
            | Self::UnknownTemplate
            | Self::VariablesNotSuitable
            | Self::EventNotAccepted => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the `type` of a problem of this kind.
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:orderflow:problem:{}", self.slug())
    }

    /// Returns the stable name: `type` is `urn:orderflow:problem:<slug>`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed-request",
            Self::InvalidSignature => "invalid-signature",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::CrossSiteRequest => "cross-site-request",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::OrderNotCancellable => "order-not-cancellable",
            Self::AlreadyExists => "already-exists",
            Self::InsufficientStock => "insufficient-stock",
            Self::PaymentNotRefundable => "payment-not-refundable",
            Self::CustomerHasOpenOrders => "customer-has-open-orders",
            Self::PreconditionFailed => "precondition-failed",
            Self::PayloadTooLarge => "payload-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::MisdirectedRequest => "misdirected-request",
            Self::InvalidRequest => "invalid-request",
            Self::UnknownProduct => "unknown-product",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::InvalidCursor => "invalid-cursor",
            Self::InvalidCombination => "invalid-combination",
            Self::InvalidRange => "invalid-range",
            Self::CurrencyNotAccepted => "currency-not-accepted",
            Self::AmountNotChargeable => "amount-not-chargeable",
            Self::TextNotSuitable => "text-not-suitable",
            Self::QuantityExceeded => "quantity-exceeded",
            Self::UnknownTemplate => "unknown-template",
            Self::VariablesNotSuitable => "variables-not-suitable",
            Self::EventNotAccepted => "event-not-accepted",
            Self::RateLimited => "rate-limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns the `title` of a problem of this kind.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request cannot be read",
            Self::InvalidSignature => "The request is not signed by the payment provider",
            Self::Unauthenticated => "A valid token is needed",
            Self::Forbidden => "The token does not allow this",
            Self::CrossSiteRequest => "A page of another site may not change anything",
            Self::NotFound => "There is no such resource",
            Self::MethodNotAllowed => "The resource does not support this method",
            Self::RequestTimeout => "The body did not arrive in time",
            Self::OrderNotCancellable => "The order can no longer be cancelled",
            Self::AlreadyExists => "The resource already exists",
            Self::InsufficientStock => "The stock would fall below zero",
            Self::PaymentNotRefundable => "The payment cannot be refunded",
            Self::CustomerHasOpenOrders => "The customer has orders that are not settled",
            Self::PreconditionFailed => "The resource has another version",
            Self::PayloadTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body must be JSON",
            Self::MisdirectedRequest => "This server does not answer to that Host",
            Self::InvalidRequest => "Some fields are not valid",
            Self::UnknownProduct => "Some products are not for sale",
            Self::IdempotencyKeyReused => "The Idempotency-Key was used for another request",
            Self::InvalidCursor => "The cursor belongs to no page of this listing",
            Self::InvalidCombination => "These parameters cannot be combined",
            Self::InvalidRange => "The time range is reversed or too long",
            Self::CurrencyNotAccepted => "The price is not in the currency of the shop",
            Self::AmountNotChargeable => "The payment provider cannot charge this amount",
            Self::TextNotSuitable => "The text cannot be shown to people",
            Self::QuantityExceeded => "The order asks for too many units of one product",
            Self::UnknownTemplate => "There is no such template",
            Self::VariablesNotSuitable => "The variables do not suit the template",
            Self::EventNotAccepted => "The consumer cannot process this event",
            Self::RateLimited => "Too many requests",
            Self::Overloaded => "Too many requests are in flight",
            Self::Unavailable => "The service cannot answer at the moment",
        }
    }

    /// Returns the kind that corresponds to a bare status, if there is one.
    pub(crate) const fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::BAD_REQUEST => Some(Self::MalformedRequest),
            StatusCode::UNAUTHORIZED => Some(Self::Unauthenticated),
            StatusCode::FORBIDDEN => Some(Self::Forbidden),
            StatusCode::NOT_FOUND => Some(Self::NotFound),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::MethodNotAllowed),
            StatusCode::REQUEST_TIMEOUT => Some(Self::RequestTimeout),
            StatusCode::PRECONDITION_FAILED => Some(Self::PreconditionFailed),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::PayloadTooLarge),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(Self::UnsupportedMediaType),
            StatusCode::UNPROCESSABLE_ENTITY => Some(Self::InvalidRequest),
            StatusCode::TOO_MANY_REQUESTS => Some(Self::RateLimited),
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE => Some(Self::Unavailable),
            _ => None,
        }
    }
}

impl Serialize for ProblemKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}
