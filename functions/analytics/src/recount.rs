//! Counting anew while orders go on.

use orderflow_domain::Event;
use orderflow_store::{Item, Store, StoreError, Table, Write, WriteError};

use crate::commit::{CountError, Ledger};
use crate::generations::Generations;
use crate::table::{ANALYTICS, generation_of};
use crate::work::fold;

/// A recount did not come to its end. What was valid before still is.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An order could not be counted.
    #[error(transparent)]
    Count(#[from] CountError),
    /// Another recount began meanwhile; that one goes on.
    #[error("another recount began meanwhile")]
    Overtaken,
}

/// A new generation of counters in the making.
///
/// From its beginning on [`AnalyticsConsumer`](crate::AnalyticsConsumer)s count in it too. Whoever gives it the events of all orders
/// reads the orders after that: what a consumer still counted in the old generation alone was told by a write from before, which is then
/// seen. What comes both ways counts once, since orders are marked in each generation.
///
/// One that is given up leaves the counters as they were; the next one begins from nothing.
#[derive(Debug)]
pub struct Recount {
    store: Store,
    table: Table,
    ledger: Ledger,
    generations: Generations,
    generation: u32,
}

impl Recount {
    /// Begins. Another one that is under way is overtaken.
    ///
    /// # Errors
    /// [`RecountError`] where the store does not answer, or another one begins at the same time.
    pub async fn begin(store: &Store) -> Result<Self, RecountError> {
        let generations = Generations::new(store);
        let generation = generations.begin().await?;
        let (table, ledger) = (store.table(&ANALYTICS), Ledger::new(store));
        Ok(Self { store: store.clone(), table, ledger, generations, generation })
    }

    /// Counts what orders have told.
    ///
    /// # Errors
    /// [`RecountError::Count`] where one cannot be counted.
    pub async fn count(&self, events: &[Event]) -> Result<(), RecountError> {
        let counted = self.ledger.count(self.generation, &fold(events)).await;
        Ok(counted.into_iter().collect::<Result<(), CountError>>()?)
    }

    /// Has the new counters take the place of the old ones, which are deleted then.
    ///
    /// # Errors
    /// [`RecountError`] where the store does not answer, or another one began meanwhile.
    pub async fn finish(self) -> Result<(), RecountError> {
        self.generations.switch_to(self.generation).await?;
        if let Err(error) = self.delete_older().await {
            tracing::warn!(%error, "the new counters are valid; the next recount deletes the old ones");
        }
        Ok(())
    }

    async fn delete_older(&self) -> Result<(), RecountError> {
        let mut from = None;
        loop {
            let (items, next) = self.table.scan(from).await?;
            let deletes = items.iter().filter_map(|item| self.delete_if_older(item));
            for deleted in self.store.write_each(deletes.collect()).await {
                match deleted {
                    Ok(()) | Err(WriteError::ConditionFailed(_)) => {}
                    Err(WriteError::Store(error)) => return Err(error.into()),
                }
            }
            from = next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Newer ones belong to a recount that began since.
    fn delete_if_older(&self, item: &Item) -> Option<Write> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        let (pk, sk) = (text("pk")?, text("sk")?);
        let older = generation_of(pk)? < self.generation;
        older.then(|| Write::delete(&self.table, self.table.key_with_range(pk, sk)))
    }
}
