//! The consumer `analytics`.

use async_trait::async_trait;
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::Store;

use crate::generations::Generations;
use crate::order_counter::OrderCounter;
use crate::order_facts::{OrderFacts, facts_by_order};

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
    async fn count(&self, facts: &[OrderFacts], outcomes: &mut [Outcome]) {
        let generations = match self.generations.read().await {
            Ok(record) => record.counted(),
            Err(error) => return outcomes.fill(Outcome::retry(error)),
        };
        for generation in generations {
            let counted = self.counter.count(generation, facts).await;
            for (order, counted) in facts.iter().zip(counted) {
                let Err(error) = counted else { continue };
                order.positions.iter().for_each(|position| outcomes[*position] = Outcome::retry(&error));
            }
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
        let facts = facts_by_order(batch.iter().map(|delivery| &delivery.event));
        self.count(&facts, &mut outcomes).await;
        let counted = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
        tracing::info!(events = counted, "events counted");
        outcomes
    }
}
