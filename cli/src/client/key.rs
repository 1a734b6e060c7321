//! The key that makes a request safe to repeat.

use std::str::FromStr;

use uuid::Uuid;

use super::{ClientError, Output};

/// An Idempotency-Key: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

/// The text is no [`IdempotencyKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub(crate) struct IdempotencyKeyError;

impl IdempotencyKey {
    /// A key that nobody used before.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The key as it goes into the header.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells a person how to repeat a request of which nobody knows whether it was accepted.
    pub(crate) fn tell(&self, error: &ClientError, output: &mut Output) {
        if error.leaves_the_outcome_open() {
            output.note(format_args!(
                "it may have been accepted; with --idempotency-key {} the same command never does it twice",
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
    fn keys() {
        assert_eq!("k-1".parse::<IdempotencyKey>().unwrap().as_str(), "k-1");
        for bad in ["", "a b", "ü", "a\n", &"a".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
        assert_ne!(IdempotencyKey::random(), IdempotencyKey::random());
    }
}
