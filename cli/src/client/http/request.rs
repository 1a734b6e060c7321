//! Requests, before they are sent: path, query, body, and the key that makes one safe to repeat.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use crate::client::{ClientError, Output};

/// Every character except the unreserved ones of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path, such as the id of an order or the SKU of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathSegment(String);

impl PathSegment {
    /// Accepts any text except the empty one and `.` and `..`: a URL parser resolves those two even when they are percent-encoded, so the
    /// request would go to another path.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("must not be empty"),
            "." | ".." => Err("must be an id"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Returns the text as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request to the API, which can be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<serde_json::Value>,
    /// The largest number of times it is sent.
    pub(crate) attempts: u32,
    /// The member of a collection that it is about: what it is, and its id.
    pub(crate) member: Option<(&'static str, String)>,
}

/// Returns what the members of a collection are, if a missing one is named.
fn kind_of(collection: &str) -> Option<&'static str> {
    match collection {
        "orders" => Some("order"),
        "payments" => Some("payment of order"),
        "products" => Some("product"),
        "inventory" => Some("stock level of"),
        "notifications" => Some("notifications of order"),
        "admin/consumers" => Some("consumer"),
        _ => None,
    }
}

impl ApiRequest {
    /// Makes a request for a path, which is given percent-encoded and with its leading slash.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, path: path.into(), query, headers, body: None, attempts: 1, member: None }
    }

    /// Makes a GET of a collection of the API.
    pub(crate) fn list(collection: &str) -> Self {
        Self::new(Method::GET, format!("/api/v1/{collection}"))
    }

    /// Makes a request for one member of a collection of the API.
    pub(crate) fn member(method: Method, collection: &str, member: &PathSegment) -> Self {
        let segment = utf8_percent_encode(&member.0, RESERVED);
        let member = kind_of(collection).map(|kind| (kind, member.0.clone()));
        Self { member, ..Self::new(method, format!("/api/v1/{collection}/{segment}")) }
    }

    /// Appends a segment to the path, for a resource below a member.
    pub(crate) fn below(mut self, name: &str) -> Self {
        self.path.push('/');
        self.path.push_str(name);
        self
    }

    /// Adds a query parameter if there is a value.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the JSON body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(
            serde_json::to_value(body).expect("a body of plain fields with text keys always serialises"),
        );
        self
    }

    /// Adds an `Idempotency-Key`, with which the server carries the request out once however often it arrives, and so allows retries.
    pub(crate) fn idempotent(self, key: &IdempotencyKey) -> Self {
        self.header("idempotency-key", key.as_str()).retried()
    }

    /// Allows retries after transient failures. Only for requests that are idempotent: those that change nothing, carry a key, or have the
    /// same effect however often they arrive.
    pub(crate) fn retried(mut self) -> Self {
        self.attempts = 4;
        self
    }
}

/// The value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

/// The text is not an [`IdempotencyKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub(crate) struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Makes a new random key.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Returns the value of the header.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key of one of several requests that this key stands for together. It is of the same length for every key.
    pub(crate) fn of_part(&self, part: &str) -> Self {
        let name = format!("{}/{part}", self.0);
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string())
    }

    /// Prints how to repeat the request safely if the error leaves open whether the server accepted it.
    pub(crate) fn explain_retry(&self, error: &ClientError, output: &mut Output) {
        if error.leaves_the_outcome_open() {
            output.note(format_args!(
                "the request may have been accepted; repeat the command with --idempotency-key {} and it is carried out at most once",
                self.0
            ));
        }
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, IdempotencyKeyError> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdempotencyKeyError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_percent_encoded() {
        let member = PathSegment::parse("a/../b?c#d e%ü").unwrap();
        let request = ApiRequest::member(Method::GET, "orders", &member);
        assert_eq!(request.path, "/api/v1/orders/a%2F..%2Fb%3Fc%23d%20e%25%C3%BC");
    }

    #[test]
    fn ids_that_would_change_the_path_are_refused() {
        for bad in ["", ".", ".."] {
            assert!(PathSegment::parse(bad).is_err(), "{bad:?}");
        }
        assert!(PathSegment::parse("...").is_ok());
    }

    #[test]
    fn keys_are_1_to_255_visible_ascii_characters() {
        assert_eq!("k-1".parse::<IdempotencyKey>().unwrap().as_str(), "k-1");
        for bad in ["", "a b", "ü", "a\n", &"a".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
        assert_ne!(IdempotencyKey::random(), IdempotencyKey::random());
    }
}
