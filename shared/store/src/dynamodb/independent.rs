//! Independent writes that are sent together, each with an outcome of its own.

use futures::StreamExt;
use orderflow_store_port::{
    Cancellation, MAX_TRANSACTION_ACTIONS, StoreError, TransactError, Write, WriteError,
};

use super::DynamoDb;

/// How independent writes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndependentWrites {
    /// Each in a request of its own, several at a time. AWS charges twice as much for a write in a transaction.
    Concurrent,
    /// All in one transaction, which is repeated without the writes that cancel it. A local store is fastest with few commits.
    OneTransaction,
}

/// The most requests that are in progress at the same time.
const CONCURRENCY: usize = 32;

impl DynamoDb {
    pub(super) async fn send_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        match self.independent_writes {
            IndependentWrites::Concurrent => {
                // The requests are made before the stream: a closure over references would have the compiler ask for more lifetimes than there are.
                let requests: Vec<_> = writes.iter().map(|write| self.send(write)).collect();
                futures::stream::iter(requests).buffered(CONCURRENCY).collect().await
            }
            IndependentWrites::OneTransaction => {
                let mut outcomes = Vec::with_capacity(writes.len());
                for chunk in writes.chunks(MAX_TRANSACTION_ACTIONS) {
                    outcomes.extend(self.send_in_transactions(chunk).await);
                }
                outcomes
            }
        }
    }

    async fn send_in_transactions(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let mut outcomes: Vec<Option<Result<(), WriteError>>> = vec![None; writes.len()];
        let mut left: Vec<usize> = (0..writes.len()).collect();
        while !left.is_empty() {
            if let [only] = left[..] {
                outcomes[only] = Some(self.send(&writes[only]).await);
                break;
            }
            let batch: Vec<Write> = left.iter().map(|position| writes[*position].clone()).collect();
            let result = self.send_transaction(&batch).await;
            let before = left.len();
            left = note_outcomes(writes, &mut outcomes, left, result);
            debug_assert!(left.len() < before, "each round decides at least one write");
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Ok(()))).collect()
    }
}

/// Notes the outcomes of a round. Returns the positions of the writes that need another round.
fn note_outcomes(
    writes: &[Write],
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
    let mut left = Vec::new();
    let mut reasons = reasons.into_iter();
    for position in &sent {
        let table = &writes[*position].table.name;
        let outcome = match reasons.next().unwrap_or(Cancellation::None) {
            Cancellation::None => {
                left.push(*position);
                continue;
            }
            Cancellation::ConditionFailed(item) => WriteError::ConditionFailed(item),
            Cancellation::Conflict => StoreError::Conflict { table: table.to_string() }.into(),
            Cancellation::Other { code, message } => refused(table, &code, &message),
        };
        outcomes[*position] = Some(Err(outcome));
    }
    if left.len() == sent.len() {
        // Without a reason for the cancellation, the rounds would never end.
        for position in left.drain(..) {
            let message = "the transaction was cancelled without a reason";
            outcomes[position] =
                Some(Err(refused(&writes[position].table.name, "TransactionCanceled", message)));
        }
    }
    left
}

fn refused(table: &str, code: &str, message: &str) -> WriteError {
    let (operation, table) = ("TransactWriteItems", table.to_owned());
    StoreError::Request { operation, table, code: code.to_owned(), message: message.to_owned() }.into()
}
