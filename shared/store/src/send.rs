//! Sends writes: one, several that take effect together, or several that are independent of each other. Writes that a transaction of another
//! request prevented are repeated.

use orderflow_store_port as port;

use crate::contention::conflict_attempts;
use crate::{Cancellation, Store, TransactError, Write, WriteError};

impl Store {
    /// Sends one write. Repeats it, with backoff, while it conflicts with transactions.
    ///
    /// # Errors
    /// [`WriteError`] if the condition does not hold or the request fails. Nothing is written then, unless only the answer was lost.
    pub async fn write(&self, write: Write) -> Result<(), WriteError> {
        let write = write.finish();
        let mut attempts = conflict_attempts();
        loop {
            attempts.next().await;
            let result = self.backend.write(&write).await;
            if attempts.is_last() || !is_conflict(&result) {
                return result;
            }
        }
    }

    /// Sends writes that take effect together or not at all: at most [`MAX_TRANSACTION_ACTIONS`](crate::MAX_TRANSACTION_ACTIONS), each of another
    /// item. Repeats the transaction, with backoff, while it fails only because of conflicts with other requests.
    ///
    /// # Errors
    /// [`TransactError`] if a write cancels the transaction or the request fails.
    pub async fn transact(&self, writes: Vec<Write>) -> Result<(), TransactError> {
        let writes: Vec<port::Write> = writes.into_iter().map(Write::finish).collect();
        let mut attempts = conflict_attempts();
        loop {
            attempts.next().await;
            let result = self.backend.transact(&writes).await;
            match &result {
                Err(TransactError::Cancelled(reasons)) if only_conflicts(reasons) && !attempts.is_last() => {}
                _ => return result,
            }
        }
    }

    /// Sends independent writes of different items. Returns an outcome for each write, in the order of the writes. Repeats, with backoff, those that
    /// conflict with transactions.
    pub async fn write_each(&self, writes: Vec<Write>) -> Vec<Result<(), WriteError>> {
        let writes: Vec<port::Write> = writes.into_iter().map(Write::finish).collect();
        let mut attempts = conflict_attempts();
        attempts.next().await;
        let mut outcomes = self.backend.write_each(&writes).await;
        loop {
            let again: Vec<usize> =
                (0..outcomes.len()).filter(|position| is_conflict(&outcomes[*position])).collect();
            if again.is_empty() || !attempts.next().await {
                return outcomes;
            }
            let conflicted: Vec<port::Write> =
                again.iter().map(|position| writes[*position].clone()).collect();
            for (position, outcome) in again.into_iter().zip(self.backend.write_each(&conflicted).await) {
                outcomes[position] = outcome;
            }
        }
    }
}

fn is_conflict(result: &Result<(), WriteError>) -> bool {
    result.as_ref().is_err_and(WriteError::is_conflict)
}

fn only_conflicts(reasons: &[Cancellation]) -> bool {
    let conflicts = reasons.iter().filter(|reason| matches!(reason, Cancellation::Conflict)).count();
    let unconcerned = reasons.iter().filter(|reason| matches!(reason, Cancellation::None)).count();
    conflicts > 0 && conflicts + unconcerned == reasons.len()
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod transaction_tests;

#[cfg(test)]
#[path = "independent_tests.rs"]
mod independent_tests;
