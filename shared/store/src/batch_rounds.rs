//! Transactions for the items of a batch: which items share one, and which are tried again after another writer cancelled it.

use std::collections::BTreeSet;

use orderflow_backoff::Attempts;

use crate::{MAX_TRANSACTION_ACTIONS, optimistic_attempts};

/// The number of rounds in which items share transactions. After them each item is tried alone, so that no item can keep others from being
/// committed.
const SHARED_ROUNDS: u32 = 4;

/// The most rounds.
const ROUNDS_MAX: u32 = 8;

/// Other writers cancelled the transaction of an item in every round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("other writers changed the same items in each of {ROUNDS_MAX} rounds")]
pub struct Contended;

/// The rounds in which the items of a batch are read, decided and committed, until each has a result. Items are named by their index.
#[derive(Debug)]
pub struct BatchRounds<R> {
    order: Vec<usize>,
    results: Vec<Option<R>>,
    attempts: Attempts,
}

impl<R> BatchRounds<R> {
    /// Creates the rounds of a batch whose items are tried in this order, which contains each index of the batch once.
    pub fn new(order: Vec<usize>) -> Self {
        let results = order.iter().map(|_| None).collect();
        Self { order, results, attempts: optimistic_attempts(ROUNDS_MAX) }
    }

    /// Waits until the next round is due. Returns the items without a result, divided into those that may share transactions. Returns `None` if
    /// every item has a result, or after the last round.
    pub async fn next(&mut self) -> Option<Vec<Vec<usize>>> {
        let results = &self.results;
        let open: Vec<usize> = self.order.iter().copied().filter(|index| results[*index].is_none()).collect();
        if open.is_empty() || !self.attempts.next().await {
            return None;
        }
        Some(if self.attempts.number() <= SHARED_ROUNDS {
            vec![open]
        } else {
            open.into_iter().map(|index| vec![index]).collect()
        })
    }

    /// Sets the result of an item. An item without one is tried again in the next round.
    pub fn set(&mut self, index: usize, result: R) {
        self.results[index] = Some(result);
    }

    /// Returns the result of each item, in the order of the batch.
    pub fn finish(self) -> impl Iterator<Item = Result<R, Contended>> {
        self.results.into_iter().map(|result| result.ok_or(Contended))
    }
}

/// Divides items, in their order, into groups that fit into a transaction. An item takes one write for itself and one for each of its keys; items
/// of a group that have a key in common share its write.
pub fn transaction_groups<T, K: Ord, I: IntoIterator<Item = K>>(
    items: Vec<T>,
    keys: impl Fn(&T) -> I,
) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut shared: BTreeSet<K> = BTreeSet::new();
    for item in items {
        let own: BTreeSet<K> = keys(&item).into_iter().collect();
        let new = own.iter().filter(|key| !shared.contains(key)).count();
        match groups.last_mut() {
            Some(group) if group.len() + 1 + shared.len() + new <= MAX_TRANSACTION_ACTIONS => {
                group.push(item);
                shared.extend(own);
            }
            _ => {
                groups.push(vec![item]);
                shared = own;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn items_share_four_rounds_and_are_then_tried_alone() {
        let mut rounds: BatchRounds<&str> = BatchRounds::new(vec![2, 0, 1]);
        assert_eq!(rounds.next().await, Some(vec![vec![2, 0, 1]]));
        rounds.set(0, "committed");
        for _ in 1..SHARED_ROUNDS {
            assert_eq!(rounds.next().await, Some(vec![vec![2, 1]]));
        }
        for _ in SHARED_ROUNDS..ROUNDS_MAX {
            assert_eq!(rounds.next().await, Some(vec![vec![2], vec![1]]));
        }
        assert_eq!(rounds.next().await, None);
        assert_eq!(rounds.finish().collect::<Vec<_>>(), [Ok("committed"), Err(Contended), Err(Contended)]);
    }

    #[tokio::test]
    async fn there_is_no_round_without_an_open_item() {
        let mut rounds: BatchRounds<()> = BatchRounds::new(vec![0]);
        rounds.set(0, ());
        assert_eq!(rounds.next().await, None);
    }

    #[test]
    fn a_group_fits_into_a_transaction() {
        // Each item takes two writes, or one if its key is in the group.
        let sizes = |keys: Vec<usize>| -> Vec<usize> {
            transaction_groups(keys, |key| [*key]).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes((0..120).collect()), [50, 50, 20]);
        assert_eq!(sizes(vec![7; 120]), [99, 21]);
        assert_eq!(sizes(Vec::new()), [0; 0]);
    }
}
