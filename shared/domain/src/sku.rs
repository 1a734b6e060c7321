//! Stock keeping units.

use std::fmt;

use crate::text::parsed_string;

const MAX_LENGTH: usize = 64;

/// A stock keeping unit: 1 to 64 characters of `A-Z 0-9 . _ -`, the first a letter or digit. Upper case; input in
/// lower case is raised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sku(String);

/// The text is no [`Sku`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of A-Z, 0-9, '.', '_' and '-', the first a letter or digit")]
pub struct SkuError;

impl Sku {
    /// Reads a sku in any case.
    ///
    /// # Errors
    /// [`SkuError`] where a character or the length is not allowed.
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
    fn case_is_folded() {
        assert_eq!(Sku::parse("tshirt-blk-m").unwrap().as_str(), "TSHIRT-BLK-M");
    }

    #[test]
    fn bad_skus_are_refused() {
        for bad in ["", "-A", ".A", "A B", "Ä1", "A/B", "A\n", &"A".repeat(65)] {
            assert_eq!(Sku::parse(bad), Err(SkuError), "{bad:?}");
        }
        assert!(Sku::parse(&"A".repeat(64)).is_ok());
    }
}
