//! Independent writes that are sent together, each with an outcome of its own.

use futures::StreamExt;

use crate::{Cancellation, MAX_TRANSACTION_ACTIONS, Store, StoreError, TransactError, Write, WriteError};

/// How a store sends independent writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndependentWrites {
    /// Each in a request of its own, several at a time. AWS charges twice as much for a write in a transaction.
    Concurrent,
    /// All in one transaction, which is repeated without the writes that cancel it. The embedded store is fastest with few commits.
    OneTransaction,
}

/// The most requests that are in progress at the same time.
const CONCURRENCY: usize = 32;

impl Store {
    /// Sends independent writes of different items. Returns an outcome for each write, in the order of the writes.
    pub async fn write_each(&self, writes: Vec<Write>) -> Vec<Result<(), WriteError>> {
        match self.independent_writes {
            IndependentWrites::Concurrent => {
                futures::stream::iter(writes)
                    .map(|write| self.write(write))
                    .buffered(CONCURRENCY)
                    .collect()
                    .await
            }
            IndependentWrites::OneTransaction => {
                let mut outcomes = Vec::with_capacity(writes.len());
                for chunk in writes.chunks(MAX_TRANSACTION_ACTIONS) {
                    outcomes.extend(self.write_in_transactions(chunk).await);
                }
                outcomes
            }
        }
    }

    async fn write_in_transactions(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let mut outcomes: Vec<Option<Result<(), WriteError>>> = vec![None; writes.len()];
        let mut left: Vec<usize> = (0..writes.len()).collect();
        while !left.is_empty() {
            if let [only] = left[..] {
                outcomes[only] = Some(self.write(writes[only].clone()).await);
                break;
            }
            let batch = left.iter().map(|position| writes[*position].clone()).collect();
            let result = self.transact(batch).await;
            let before = left.len();
            left = note_outcomes(&mut outcomes, left, result);
            debug_assert!(left.len() < before, "each round decides at least one write");
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Ok(()))).collect()
    }
}

/// Notes the outcomes of a round. Returns the positions of the writes that need another round.
fn note_outcomes(
    outcomes: &mut [Option<Result<(), WriteError>>],
    sent: Vec<usize>,
    result: Result<(), TransactError>,
) -> Vec<usize> {
    let reasons = match result {
        Ok(()) => {
            sent.iter().for_each(|position| outcomes[*position] = Some(Ok(())));
            return Vec::new();
        }
        Err(TransactError::Store(error)) => {
            sent.iter().for_each(|position| outcomes[*position] = Some(Err(error.clone().into())));
            return Vec::new();
        }
        Err(TransactError::Cancelled(reasons)) => reasons,
    };
    // A conflict may be gone in the next round. There is a next round if another write cancelled this one for certain.
    let cancelled_by_another = reasons
        .iter()
        .any(|reason| matches!(reason, Cancellation::ConditionFailed(_) | Cancellation::Other { .. }));
    let mut left = Vec::new();
    let mut reasons = reasons.into_iter();
    for position in &sent {
        match reasons.next().unwrap_or(Cancellation::None) {
            Cancellation::None => left.push(*position),
            Cancellation::ConditionFailed(item) => {
                outcomes[*position] = Some(Err(WriteError::ConditionFailed(item)))
            }
            Cancellation::Conflict if cancelled_by_another => left.push(*position),
            Cancellation::Conflict => {
                outcomes[*position] =
                    Some(Err(unfinished("TransactionConflict", "another request was writing the item")))
            }
            Cancellation::Other { code, message } => {
                outcomes[*position] = Some(Err(unfinished(&code, &message)))
            }
        }
    }
    if left.len() == sent.len() {
        // Without a reason for the cancellation, the rounds would never end.
        left.iter().for_each(|position| {
            outcomes[*position] =
                Some(Err(unfinished("TransactionCanceled", "the transaction was cancelled without a reason")))
        });
        left.clear();
    }
    left
}

fn unfinished(code: &str, message: &str) -> WriteError {
    let (operation, table) = ("TransactWriteItems", String::new());
    StoreError::Request { operation, table, code: code.to_owned(), message: message.to_owned() }.into()
}

#[cfg(test)]
#[path = "independent_tests.rs"]
mod tests;
