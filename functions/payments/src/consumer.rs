//! The consumer `payment`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use orderflow_domain::OrderId;
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{Store, StoreError, Table, WriteError, optimistic_attempts};

use crate::change::Change;
use crate::decision::{Step, next_step};
use crate::gateway::PaymentGateway;
use crate::retry_budget::RetryBudget;
use crate::table::{PAYMENTS, PaymentRecord};
use crate::work::{Work, fold};

/// How many orders are at the gateway at once.
const AT_A_TIME: usize = 32;

/// How often an order is decided anew when its row changed meanwhile. Each change brings the row closer to its end.
const ROUNDS: u32 = 4;

/// Charges orders whose units are held (`inventory.reserved`), and undoes the charge of refused ones (`order.rejected`,
/// `order.cancelled`).
pub struct PaymentConsumer {
    store: Store,
    table: Table,
    gateway: Arc<dyn PaymentGateway>,
    retry_budget: RetryBudget,
}

/// An order with what its deliveries have come to.
type Settled = (Work, Outcome);

impl PaymentConsumer {
    /// A consumer that writes to this store and charges through this gateway.
    pub fn new(store: &Store, gateway: Arc<dyn PaymentGateway>) -> Self {
        let retry_budget = RetryBudget::new();
        Self { store: store.clone(), table: store.table(&PAYMENTS), gateway, retry_budget }
    }

    async fn settle(&self, works: Vec<Work>) -> Vec<Settled> {
        let mut settled = Vec::with_capacity(works.len());
        let mut open = works;
        let mut rounds = optimistic_attempts(ROUNDS);
        while !open.is_empty() && rounds.next().await {
            open = self.round(open, &mut settled).await;
        }
        settled.extend(retry(open, "the payment changed meanwhile, again and again"));
        settled
    }

    /// Takes each order one step further. Gives back those whose row changed meanwhile.
    async fn round(&self, works: Vec<Work>, settled: &mut Vec<Settled>) -> Vec<Work> {
        let mut rows = match self.rows(&works).await {
            Ok(rows) => rows,
            Err(error) => {
                settled.extend(retry(works, &error.to_string()));
                return Vec::new();
            }
        };
        let steps: Vec<(Work, Step)> = futures::stream::iter(works)
            .map(|work| {
                let row = rows.remove(&work.order_id);
                self.step(row, work)
            })
            .buffered(AT_A_TIME)
            .collect()
            .await;
        let mut changes = Vec::with_capacity(steps.len());
        for (work, step) in steps {
            match step {
                Step::Settle(outcome) => settled.push((work, outcome)),
                Step::Write(change) => changes.push((work, change)),
            }
        }
        self.write(changes, settled).await
    }

    async fn step(&self, row: Option<PaymentRecord>, work: Work) -> (Work, Step) {
        let gateway = self.retry_budget.for_attempt(work.attempt, self.gateway.as_ref());
        let step = next_step(&gateway, row.as_ref(), &work).await;
        (work, step)
    }

    async fn rows(&self, works: &[Work]) -> Result<HashMap<OrderId, PaymentRecord>, StoreError> {
        let key = |work: &Work| self.table.key(work.order_id.to_string());
        let rows: Vec<PaymentRecord> = self.table.get_all(works.iter().map(key).collect()).await?;
        Ok(rows.into_iter().map(|row| (row.order_id, row)).collect())
    }

    async fn write(&self, changes: Vec<(Work, Box<Change>)>, settled: &mut Vec<Settled>) -> Vec<Work> {
        let (mut sent, mut writes) = (Vec::new(), Vec::new());
        for (work, change) in changes {
            match change.write(&self.table) {
                Ok(write) => {
                    sent.push((work, change));
                    writes.push(write);
                }
                Err(error) => settled.push((work, Outcome::retry(error))),
            }
        }
        let mut open = Vec::new();
        let results = self.store.write_each(writes).await;
        for ((work, change), result) in sent.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    change.log(&work);
                    settled.push((work, change.outcome()));
                }
                Err(WriteError::ConditionFailed(_)) => open.push(work),
                Err(WriteError::Store(error)) => settled.push((work, Outcome::retry(error))),
            }
        }
        open
    }
}

fn retry(works: Vec<Work>, reason: &str) -> impl Iterator<Item = Settled> {
    let outcome = Outcome::retry(reason);
    works.into_iter().map(move |work| (work, outcome.clone()))
}

#[async_trait]
impl Consumer for PaymentConsumer {
    fn name(&self) -> &'static str {
        "payment"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; batch.len()];
        for (work, outcome) in self.settle(fold(batch)).await {
            for position in work.positions {
                outcomes[position] = outcome.clone();
            }
        }
        outcomes
    }
}
