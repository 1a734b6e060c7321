//! The consumer `analytics`.

use async_trait::async_trait;
use orderflow_domain::OrderId;
use orderflow_messaging::{Consumer, Delivery, Outcome, Positions, group_by_key};
use orderflow_store::Store;

use crate::generations::Generations;
use crate::order_counter::OrderCounter;
use crate::order_facts::OrderFacts;

/// Counts orders when they are placed (`order.placed`) and when they end (`order.confirmed`, `order.rejected`,
/// `order.cancelled`).
pub struct AnalyticsConsumer {
    counter: OrderCounter,
    generations: Generations,
}

impl AnalyticsConsumer {
    /// Creates a consumer that counts in this store.
    pub fn new(store: &Store) -> Self {
        Self { counter: OrderCounter::new(store), generations: Generations::new(store) }
    }

    /// Counts in each generation that must include the events. An order that fails in one generation is retried; the
    /// generations that have counted it ignore the retry.
    async fn count(&self, facts: &[OrderFacts], positions: &Positions<OrderId>, outcomes: &mut [Outcome]) {
        let generations = match self.generations.read().await {
            Ok(record) => record.counted(),
            Err(error) => return outcomes.fill(Outcome::retry(error)),
        };
        for generation in generations {
            let counted = self.counter.count(generation, facts).await;
            let failed = facts.iter().zip(counted).filter_map(|(order, counted)| {
                let error = counted.err()?;
                Some((order.order_id, Outcome::retry(error)))
            });
            positions.scatter(failed, outcomes);
        }
    }
}

#[async_trait]
impl Consumer for AnalyticsConsumer {
    fn name(&self) -> &'static str {
        "analytics"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; batch.len()];
        let events = batch.iter().map(|delivery| &*delivery.event);
        let (facts, positions) = group_by_key(events, OrderFacts::of, OrderFacts::merge);
        self.count(&facts, &positions, &mut outcomes).await;
        let counted = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
        tracing::info!(events = counted, "events counted");
        outcomes
    }
}
