//! One `--item`.

use std::str::FromStr;

use serde::Serialize;

/// A product and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    sku: String,
    quantity: i64,
}

/// The text is no [`Item`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a sku, or a sku and a quantity such as TSHIRT-BLK-M:2")]
pub(crate) struct ItemError;

impl FromStr for Item {
    type Err = ItemError;

    fn from_str(text: &str) -> Result<Self, ItemError> {
        let (sku, quantity) = match text.split_once(':') {
            Some((sku, quantity)) => (sku, quantity.parse().map_err(|_| ItemError)?),
            None => (text, 1),
        };
        if sku.is_empty() {
            return Err(ItemError);
        }
        Ok(Self { sku: sku.to_owned(), quantity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items() {
        for (text, sku, quantity) in [("A", "A", 1), ("A:2", "A", 2), ("a-1:0", "a-1", 0)] {
            let item: Item = text.parse().unwrap();
            assert_eq!((item.sku.as_str(), item.quantity), (sku, quantity));
        }
        for bad in ["", ":", ":2", "A:", "A:x", "A:1:2", "A:1.5", "A: 2"] {
            assert_eq!(bad.parse::<Item>(), Err(ItemError), "{bad:?}");
        }
    }
}
