//! The consumer `analytics`.

use async_trait::async_trait;
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::Store;

use crate::commit::Ledger;
use crate::generations::Generations;
use crate::work::{Work, fold};

/// Counts orders as they are placed (`order.placed`) and as they end (`order.confirmed`, `order.rejected`,
/// `order.cancelled`).
pub struct AnalyticsConsumer {
    ledger: Ledger,
    generations: Generations,
}

impl AnalyticsConsumer {
    /// The consumer over this store.
    pub fn new(store: &Store) -> Self {
        Self { ledger: Ledger::new(store), generations: Generations::new(store) }
    }

    /// Counts in each generation that has to know: those who are counted in some of them only, come again for the others.
    async fn count(&self, works: &[Work], outcomes: &mut [Outcome]) {
        let generations = match self.generations.read().await {
            Ok(record) => record.counted(),
            Err(error) => return outcomes.fill(Outcome::retry(error)),
        };
        for generation in generations {
            let counted = self.ledger.count(generation, works).await;
            for (work, counted) in works.iter().zip(counted) {
                let Err(error) = counted else { continue };
                work.positions.iter().for_each(|position| outcomes[*position] = Outcome::retry(&error));
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
        let works = fold(batch.iter().map(|delivery| &delivery.event));
        self.count(&works, &mut outcomes).await;
        let counted = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
        tracing::info!(events = counted, "events are counted");
        outcomes
    }
}
