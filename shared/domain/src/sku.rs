//! Stock keeping units.

use std::fmt;

use crate::text::parsed_string;

const MAX_LENGTH: usize = 64;

/// A stock keeping unit: 1 to 64 characters of `A-Z 0-9 . _ -`, the first a letter or digit. Parsing converts lower case to upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sku(String);

/// A text that is not a valid [`Sku`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of A-Z, 0-9, '.', '_' and '-', the first a letter or digit")]
pub struct SkuError;

impl Sku {
    /// Parses a sku in any case.
    ///
    /// # Errors
    /// [`SkuError`] for a text with another character, or longer than 64 characters.
    pub fn parse(text: &str) -> Result<Self, SkuError> {
        let first_is_alphanumeric = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let all_allowed = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if first_is_alphanumeric && all_allowed && text.len() <= MAX_LENGTH {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(SkuError)
        }
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

parsed_string!(Sku, SkuError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_upper_case() {
        assert_eq!(Sku::parse("tshirt-blk-m").unwrap().as_str(), "TSHIRT-BLK-M");
    }

    #[test]
    fn invalid_skus_are_refused() {
        for bad in ["", "-A", ".A", "A B", "Ä1", "A/B", "A\n", &"A".repeat(65)] {
            assert_eq!(Sku::parse(bad), Err(SkuError), "{bad:?}");
        }
        assert!(Sku::parse(&"A".repeat(64)).is_ok());
    }
}
