//! The caller of a request, as its token names it.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The scope that grants everything.
const ADMIN: &str = "admin";

/// The scope that lets a caller read the orders of all customers.
const ORDERS_READ: &str = "orders:read";

/// An authenticated caller: the subject and the scopes of its token. The layer that verifies tokens puts it into the extensions of the
/// request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    subject: String,
    scopes: BTreeSet<String>,
}

impl Caller {
    /// Creates a caller from the claims of a verified token.
    #[must_use]
    pub fn new(subject: String, scopes: impl IntoIterator<Item = String>) -> Self {
        Self { subject, scopes: scopes.into_iter().collect() }
    }

    /// Returns the subject, which is the customer id of a customer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns whether the caller has one of these scopes, or `admin`.
    #[must_use]
    pub fn has_one_of(&self, scopes: &[&str]) -> bool {
        self.scopes.contains(ADMIN) || scopes.iter().any(|scope| self.scopes.contains(*scope))
    }
}

/// Marks a request without a valid token, for an operation that needs none, where callers are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger;

/// Whose orders a request may reach: all where callers are not authenticated.
#[derive(Debug, Clone)]
pub struct OrderAccess(Option<Caller>);

impl OrderAccess {
    /// Returns the customer whose orders alone the request may read, or `None` if it may read those of all.
    #[must_use]
    pub fn only_customer(&self) -> Option<&str> {
        self.0.as_ref().filter(|caller| !caller.has_one_of(&[ORDERS_READ])).map(Caller::subject)
    }

    /// Returns whether the request may read orders of this customer.
    #[must_use]
    pub fn may_read(&self, customer_id: &str) -> bool {
        self.only_customer().is_none_or(|own| own == customer_id)
    }

    /// Returns whether the request may place and cancel orders of this customer.
    #[must_use]
    pub fn may_change(&self, customer_id: &str) -> bool {
        self.0.as_ref().is_none_or(|caller| caller.subject == customer_id || caller.has_one_of(&[]))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OrderAccess {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}
