//! Secrets, which must never be printed.

use std::fmt;

use crate::text::parsed_string;

const MAX_LENGTH: usize = 255;

/// The payment provider's token for a customer's payment method. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PaymentToken(String);

/// A text that is not a valid [`PaymentToken`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub struct PaymentTokenError;

impl PaymentToken {
    /// Parses a token.
    ///
    /// # Errors
    /// [`PaymentTokenError`] for a text that is empty, longer than 255 characters, or not visible ASCII.
    pub fn parse(text: &str) -> Result<Self, PaymentTokenError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=MAX_LENGTH).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PaymentTokenError)
        }
    }
}

impl fmt::Debug for PaymentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentToken(hidden)")
    }
}

parsed_string!(PaymentToken, PaymentTokenError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_token() {
        assert_eq!(format!("{:?}", PaymentToken::parse("tok_visa").unwrap()), "PaymentToken(hidden)");
    }

    #[test]
    fn invalid_tokens_are_refused() {
        for bad in ["", "a b", "tok\n", "tök", &"a".repeat(256)] {
            assert!(PaymentToken::parse(bad).is_err(), "{bad:?}");
        }
    }
}
