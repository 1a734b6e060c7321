//! Why a write did not happen.

use orderflow_store_port::Item;

use crate::encoding::Invalid;

/// Why a write did not happen.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// A condition does not hold. Contains the existing item.
    Condition(Option<Box<Item>>),
    /// The item cannot be changed in this way.
    Invalid(Invalid),
    /// A key of the table or of an index is an empty text. DynamoDB refuses a transaction with one as a whole, and cancels it for other keys that
    /// are none.
    EmptyKey(Invalid),
}

impl Refusal {
    /// Returns what the item or the key lacks, or an empty text if a condition does not hold.
    pub(crate) fn message(self) -> Invalid {
        match self {
            Self::Condition(_) => Invalid::new(),
            Self::Invalid(message) | Self::EmptyKey(message) => message,
        }
    }
}
