//! What must never be printed.

use std::fmt;

use crate::text::parsed_string;

const MAX_LENGTH: usize = 255;

/// What the payment provider knows the customer's means of payment by. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PaymentToken(String);

/// The text is no [`PaymentToken`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub struct PaymentTokenError;

impl PaymentToken {
    /// Reads a token.
    ///
    /// # Errors
    /// [`PaymentTokenError`] where it is empty, too long or holds other than visible ASCII.
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
    fn debug_output_hides_it() {
        assert_eq!(format!("{:?}", PaymentToken::parse("tok_visa").unwrap()), "PaymentToken(hidden)");
    }

    #[test]
    fn bad_tokens_are_refused() {
        for bad in ["", "a b", "tok\n", "tök", &"a".repeat(256)] {
            assert!(PaymentToken::parse(bad).is_err(), "{bad:?}");
        }
    }
}
