//! The consumer `payment`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use orderflow_bugs::is_planted;
use orderflow_domain::OrderId;
use orderflow_messaging::{Consumer, Delivery, Outcome, group_by_key};
use orderflow_store::{Store, StoreError, Table, WriteError, optimistic_attempts};

use crate::decision::Decision;
use crate::execution::execute;
use crate::gateway::{PaymentGateway, RetryBudget};
use crate::request::PaymentRequest;
use crate::table::{PAYMENTS, PaymentRecord};
use crate::update::PaymentUpdate;

/// The number of orders whose calls of the gateway run at once.
const CONCURRENT_CALLS: usize = 32;

/// The number of times that an order is processed while other writers change its row. Each change brings the row closer to
/// its final status, so a few suffice.
const ATTEMPTS: u32 = 4;

/// Charges orders whose units are reserved (`inventory.reserved`), and reverses the charges of refused orders
/// (`order.rejected`, `order.cancelled`).
pub struct PaymentConsumer {
    store: Store,
    table: Table,
    gateway: Arc<dyn PaymentGateway>,
    retry_budget: RetryBudget,
}

/// The outcome of the deliveries of an order.
type OrderOutcome = (OrderId, Outcome);

impl PaymentConsumer {
    /// Creates a consumer that writes to this store and charges through this gateway.
    pub fn new(store: &Store, gateway: Arc<dyn PaymentGateway>) -> Self {
        let retry_budget = RetryBudget::new();
        Self { store: store.clone(), table: store.table(&PAYMENTS), gateway, retry_budget }
    }

    async fn process(&self, requests: Vec<PaymentRequest>) -> Vec<OrderOutcome> {
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut open = requests;
        let mut attempts = optimistic_attempts(ATTEMPTS);
        while !open.is_empty() && attempts.next().await {
            open = self.process_once(open, &mut outcomes).await;
        }
        outcomes.extend(retry(open, "other writers changed the payment in every attempt"));
        outcomes
    }

    /// Processes each request once. Returns the requests whose row another writer changed in the meantime.
    async fn process_once(
        &self,
        requests: Vec<PaymentRequest>,
        outcomes: &mut Vec<OrderOutcome>,
    ) -> Vec<PaymentRequest> {
        let mut rows = match self.rows(&requests).await {
            Ok(rows) => rows,
            Err(error) => {
                outcomes.extend(retry(requests, &error.to_string()));
                return Vec::new();
            }
        };
        let decisions: Vec<(PaymentRequest, Decision)> = futures::stream::iter(requests)
            .map(|request| {
                let row = rows.remove(&request.order_id);
                self.execute(row, request)
            })
            .buffered(CONCURRENT_CALLS)
            .collect()
            .await;
        let mut updates = Vec::with_capacity(decisions.len());
        for (request, decision) in decisions {
            match decision {
                Decision::Finish(outcome) => outcomes.push((request.order_id, outcome)),
                Decision::Write(update) => updates.push((request, update)),
            }
        }
        self.write(updates, outcomes).await
    }

    async fn execute(
        &self,
        row: Option<PaymentRecord>,
        request: PaymentRequest,
    ) -> (PaymentRequest, Decision) {
        let gateway = self.retry_budget.for_attempt(request.attempt, self.gateway.as_ref());
        let decision = execute(&gateway, row.as_ref(), &request).await;
        (request, decision)
    }

    async fn rows(&self, requests: &[PaymentRequest]) -> Result<HashMap<OrderId, PaymentRecord>, StoreError> {
        let key = |request: &PaymentRequest| self.table.key(request.order_id.to_string());
        let rows: Vec<PaymentRecord> = self.table.get_all(requests.iter().map(key).collect()).await?;
        Ok(rows.into_iter().map(|row| (row.order_id, row)).collect())
    }

    async fn write(
        &self,
        updates: Vec<(PaymentRequest, Box<PaymentUpdate>)>,
        outcomes: &mut Vec<OrderOutcome>,
    ) -> Vec<PaymentRequest> {
        let (mut sent, mut writes) = (Vec::new(), Vec::new());
        for (request, update) in updates {
            match update.write(&self.table) {
                Ok(write) => {
                    sent.push((request, update));
                    writes.push(write);
                }
                Err(error) => outcomes.push((request.order_id, Outcome::retry(error))),
            }
        }
        let mut open = Vec::new();
        let results = self.store.write_each(writes).await;
        for ((request, update), result) in sent.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    update.log(&request);
                    outcomes.push((request.order_id, update.outcome()));
                }
                Err(_) if is_planted("payment-acknowledged-before-store") => {
                    outcomes.push((request.order_id, Outcome::Done));
                }
                Err(WriteError::ConditionFailed(_)) => open.push(request),
                Err(WriteError::Store(error)) => outcomes.push((request.order_id, Outcome::retry(error))),
            }
        }
        open
    }
}

fn retry(requests: Vec<PaymentRequest>, reason: &str) -> impl Iterator<Item = OrderOutcome> {
    let outcome = Outcome::retry(reason);
    requests.into_iter().map(move |request| (request.order_id, outcome.clone()))
}

#[async_trait]
impl Consumer for PaymentConsumer {
    fn name(&self) -> &'static str {
        "payment"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let (requests, positions) = group_by_key(batch, PaymentRequest::of, PaymentRequest::merge);
        let mut outcomes = vec![Outcome::Done; batch.len()];
        positions.scatter(self.process(requests).await, &mut outcomes);
        outcomes
    }
}
