//! Counts all orders again while new orders arrive.

use orderflow_domain::Event;
use orderflow_messaging::group_by_key;
use orderflow_store::{Item, Store, StoreError, Table, Write, WriteError, text};

use crate::generations::{GenerationError, Generations};
use crate::order_counter::{CountError, OrderCounter};
use crate::order_facts::OrderFacts;
use crate::table::{ANALYTICS, PartitionKey};

/// A rebuild that did not finish. Readers still see the earlier counters.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An order could not be counted.
    #[error(transparent)]
    Count(#[from] CountError),
    /// Another rebuild began after this one, and continues.
    #[error("another rebuild began after this one and continues")]
    Superseded,
}

impl From<GenerationError> for RebuildError {
    fn from(error: GenerationError) -> Self {
        match error {
            GenerationError::Store(error) => Self::Store(error),
            GenerationError::Superseded => Self::Superseded,
        }
    }
}

/// Builds a new generation of counters.
///
/// From [`Rebuild::begin`] on, every [`AnalyticsConsumer`](crate::AnalyticsConsumer) counts in the new generation too. The
/// caller must read the orders after that: an event that a consumer counted in the old generation alone was written
/// before, so the caller's read returns it. An event that arrives both ways is counted once, since each generation records
/// what was counted of each order.
///
/// A rebuild that is not finished changes nothing that readers see; the next one starts with an empty generation.
#[derive(Debug)]
pub struct Rebuild {
    store: Store,
    table: Table,
    counter: OrderCounter,
    generations: Generations,
    generation: u32,
}

impl Rebuild {
    /// Begins a new generation. A rebuild that is running can then no longer finish.
    ///
    /// # Errors
    /// [`RebuildError`] if the store does not answer, or if another rebuild begins at the same time.
    pub async fn begin(store: &Store) -> Result<Self, RebuildError> {
        let generations = Generations::new(store);
        let generation = generations.begin().await?;
        let (table, counter) = (store.table(&ANALYTICS), OrderCounter::new(store));
        Ok(Self { store: store.clone(), table, counter, generations, generation })
    }

    /// Counts events in the new generation.
    ///
    /// # Errors
    /// [`RebuildError::Count`] if an order cannot be counted.
    pub async fn count(&self, events: &[Event]) -> Result<(), RebuildError> {
        let (facts, _) = group_by_key(events, OrderFacts::of, OrderFacts::merge);
        let counted = self.counter.count(self.generation, &facts).await;
        Ok(counted.into_iter().collect::<Result<(), CountError>>()?)
    }

    /// Makes the new generation the current one, and deletes the older ones.
    ///
    /// # Errors
    /// [`RebuildError`] if the store does not answer, or if another rebuild began after this one.
    pub async fn finish(self) -> Result<(), RebuildError> {
        self.generations.switch_to(self.generation).await?;
        if let Err(error) = self.delete_older().await {
            // The next rebuild deletes them.
            tracing::warn!(%error, "old counters could not be deleted");
        }
        Ok(())
    }

    async fn delete_older(&self) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let (items, next) = self.table.scan(from).await?;
            let deletes = items.iter().filter_map(|item| self.delete_if_older(item));
            for deleted in self.store.write_each(deletes.collect()).await {
                match deleted {
                    Ok(()) | Err(WriteError::ConditionFailed(_)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                }
            }
            from = next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns the deletion of an item of an older generation. A newer generation belongs to a rebuild that began since.
    fn delete_if_older(&self, item: &Item) -> Option<Write> {
        let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
        let older = PartitionKey::parse(pk)?.generation()? < self.generation;
        older.then(|| Write::delete(&self.table, self.table.key_with_range(pk, sk)))
    }
}
