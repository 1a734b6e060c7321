//! Counts requests, so that tests can check how many an operation takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::operation::Operation;

/// DynamoDB's limit of actions in a transaction. Larger transactions, which are refused, are counted as `MAX_ACTIONS + 1`.
const MAX_ACTIONS: usize = 100;

/// The number of requests since the database was opened, including those that were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    operations: BTreeMap<&'static str, u64>,
    transactions: BTreeMap<usize, u64>,
}

impl RequestCounts {
    /// Returns the requests of one operation, named as in DynamoDB's API, for example `PutItem`.
    #[must_use]
    pub fn of(&self, operation: &str) -> u64 {
        self.operations.get(operation).copied().unwrap_or_default()
    }

    /// Returns the requests of all operations.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.operations.values().sum()
    }

    /// Returns the `TransactWriteItems` requests by their number of actions, where 101 stands for all that are too large. It excludes requests
    /// that cannot be parsed or that a [`crate::Fault`] refuses.
    #[must_use]
    pub fn transactions_by_size(&self) -> &BTreeMap<usize, u64> {
        &self.transactions
    }

    /// Returns the requests between an earlier snapshot and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            operations: difference(&self.operations, &earlier.operations),
            transactions: difference(&self.transactions, &earlier.transactions),
        }
    }
}

fn difference<Key: Ord + Copy>(
    later: &BTreeMap<Key, u64>,
    earlier: &BTreeMap<Key, u64>,
) -> BTreeMap<Key, u64> {
    nonzero(
        later
            .iter()
            .map(|(key, count)| (*key, count.saturating_sub(earlier.get(key).copied().unwrap_or_default()))),
    )
}

fn nonzero<Key: Ord>(counts: impl Iterator<Item = (Key, u64)>) -> BTreeMap<Key, u64> {
    counts.filter(|(_, count)| *count > 0).collect()
}

/// The running counters.
#[derive(Debug)]
pub(crate) struct Counters {
    operations: [AtomicU64; Operation::ALL.len()],
    transactions: [AtomicU64; MAX_ACTIONS + 2],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            operations: std::array::from_fn(|_| AtomicU64::new(0)),
            transactions: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Counters {
    pub(crate) fn count(&self, operation: Operation) {
        self.operations[operation as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_transaction(&self, actions: usize) {
        self.transactions[actions.min(MAX_ACTIONS + 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> RequestCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let operations = Operation::ALL.iter().zip(&self.operations);
        let transactions = self.transactions.iter().enumerate();
        RequestCounts {
            operations: nonzero(operations.map(|(operation, n)| (operation.name(), load(n)))),
            transactions: nonzero(transactions.map(|(actions, n)| (actions, load(n)))),
        }
    }
}
