//! What happens in a simulation: the operations of customers and operators, and the faults, all decided ahead.

use std::fmt;

use super::fault::PlannedFault;

/// A complete schedule. The seed decides what the schedule leaves open: which process runs next, and what random ids are. Without some of its
/// operations or faults, it is a schedule as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The operations, in the order of their times.
    pub operations: Vec<Operation>,
    /// The faults.
    pub faults: Vec<PlannedFault>,
}

/// A request that a customer or an operator makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// When, in milliseconds since the start.
    pub at_ms: u32,
    /// What.
    pub action: Action,
}

/// What a customer or an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A customer places an order. A client that gets no answer repeats the request under the same key.
    Place {
        /// The number of the customer.
        customer: u8,
        /// The numbers of the skus with their quantities. A sku can be on several lines.
        lines: Vec<(u8, u32)>,
        /// The number of the idempotency key. Several orders can have the same, with the same body or another.
        key: Option<u16>,
        /// Whether the customer's card is declined.
        declined: bool,
        /// Whether the customer also leaves a telephone number.
        phone: bool,
    },
    /// A customer cancels an order: the one with this number among those that were accepted so far.
    Cancel {
        /// The number of the order.
        order: u8,
    },
    /// An operator adds a product, or changes its price.
    PutProduct {
        /// The number of the sku.
        sku: u8,
        /// The price in cents.
        price: u32,
        /// The first stock of a new product.
        stock: u32,
    },
    /// An operator removes a product.
    RemoveProduct {
        /// The number of the sku.
        sku: u8,
    },
    /// An operator sets the available stock of a sku.
    SetStock {
        /// The number of the sku.
        sku: u8,
        /// The units.
        available: u32,
        /// The number of the idempotency key.
        key: u16,
    },
    /// An operator adjusts the available stock of a sku.
    AdjustStock {
        /// The number of the sku.
        sku: u8,
        /// The units, negative to take some away.
        by: i32,
        /// The number of the idempotency key.
        key: u16,
    },
    /// An operator requests a message to a customer.
    Notify {
        /// The number of the customer.
        customer: u8,
        /// The number of the idempotency key.
        key: u16,
    },
    /// An operator forgets a customer.
    Forget {
        /// The number of the customer.
        customer: u8,
    },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms: {:?}", self.at_ms, self.action)
    }
}
