//! Why a request has no valid token.

use std::time::Duration;

/// Why a request has no valid token. The text is sent; it says nothing about the key.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no header `Authorization`, several, or one of another scheme.
    #[error("Send one header `Authorization: Bearer TOKEN`.")]
    Missing,
    /// The token is not valid.
    #[error("The token is not valid: {0}.")]
    Invalid(String),
    /// No token can be verified, since the keys of the issuer were never fetched. The next fetch may begin after this time.
    #[error("The keys of the issuer of tokens are not known yet.")]
    Unavailable(Duration),
}

impl TokenError {
    pub(crate) fn invalid(reason: impl ToString) -> Self {
        Self::Invalid(reason.to_string())
    }
}
