//! Writes that have nothing to do with each other, sent together because they are at hand together.

use futures::StreamExt;

use crate::{Cancellation, MAX_TRANSACTION_ACTIONS, Store, StoreError, TransactError, Write, WriteError};

/// How independent writes are cheapest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndependentWrites {
    /// Each its own request, several at a time: on AWS a transaction costs twice as much.
    SideBySide,
    /// One transaction, and those that cancelled it left out of the next: the embedded store pays by the commit.
    OneTransaction,
}

const AT_A_TIME: usize = 32;

impl Store {
    /// Sends writes that have nothing to do with each other. Gives an outcome for each, in their order. Each must be of another item.
    pub async fn write_each(&self, writes: Vec<Write>) -> Vec<Result<(), WriteError>> {
        match self.independent_writes {
            IndependentWrites::SideBySide => {
                futures::stream::iter(writes)
                    .map(|write| self.write(write))
                    .buffered(AT_A_TIME)
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
            left = settle(&mut outcomes, left, result);
            debug_assert!(left.len() < before, "each round settles at least one write");
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Ok(()))).collect()
    }
}

/// Notes what a round decided and gives the positions that have to go into another round.
fn settle(
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
    // A conflict may be over in the next round. There is one as long as somebody else is to blame for this one.
    let others_to_blame = reasons
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
            Cancellation::Conflict if others_to_blame => left.push(*position),
            Cancellation::Conflict => {
                outcomes[*position] =
                    Some(Err(unfinished("TransactionConflict", "another request had the item in hand")))
            }
            Cancellation::Other { code, message } => {
                outcomes[*position] = Some(Err(unfinished(&code, &message)))
            }
        }
    }
    if left.len() == sent.len() {
        // A cancelled transaction that blames nobody would go round for ever.
        left.iter().for_each(|position| {
            outcomes[*position] = Some(Err(unfinished("TransactionCanceled", "no reason was given")))
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
