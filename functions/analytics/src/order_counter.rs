//! Counts orders in one generation: as many orders as fit into one transaction, and what happens when it is cancelled.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use orderflow_bugs::is_planted;
use orderflow_store::{
    BatchRounds, Cancellation, Contended, MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, TransactError,
};
use tokio::sync::Mutex;

use crate::buffer::Buffer;
use crate::counters::{CounterId, Increments};
use crate::log::Logs;
use crate::order_facts::OrderFacts;
use crate::plan::{CountUpdate, plan};
use crate::table::{ANALYTICS, Window};

/// The most logs that one transaction appends to.
const LOGS_MAX: usize = 30;

/// The most counters of the orders of one transaction, unless it is of one order. An order of 50 SKUs that is placed and confirmed in one batch
/// has 57. A transaction can flush more than it adds, so that a buffer that is full does not grow.
const COUNTERS_MAX: usize = 60;

/// The most orders that one transaction counts, so that the items of logs stay far below 400 KB (AWS limit).
const ORDERS_MAX: usize = 1_000;

/// An order could not be counted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CountError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store refused the transaction.
    #[error("the store refuses to count the order: {0}")]
    Refused(String),
    /// Other writers changed the same order or counters in every round.
    #[error(transparent)]
    Contended(#[from] Contended),
}

type Counted = Result<(), CountError>;

/// Counts orders, and records what was counted of each in the same transaction.
#[derive(Debug, Clone)]
pub(crate) struct OrderCounter {
    store: Store,
    table: Table,
    /// Batches of one process are counted one after the other: they would only meet in the same logs.
    known: Arc<Mutex<Known>>,
}

/// What this process knows of the items that it writes. It is only a cache: each write is conditional on it being true.
#[derive(Debug, Default)]
struct Known {
    logs: Logs,
    /// The buffer that is used in each generation.
    buffers: HashMap<u32, Buffer>,
}

/// Orders that one transaction counts.
#[derive(Debug, Default)]
struct Group {
    /// The indices of the facts of each.
    indices: Vec<usize>,
    updates: Vec<CountUpdate>,
    increments: Increments,
}

impl OrderCounter {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ANALYTICS), known: Arc::default() }
    }

    /// Counts in a generation what is not counted there yet. Returns one result for each order.
    pub(crate) async fn count(&self, generation: u32, facts: &[OrderFacts]) -> Vec<Counted> {
        let mut known = self.known.lock().await;
        let mut order: Vec<usize> = (0..facts.len()).collect();
        order.sort_by_key(|index| facts[*index].window);
        let mut rounds = BatchRounds::new(order);
        while let Some(groups) = rounds.next().await {
            for indices in groups {
                self.count_round(generation, facts, &indices, &mut rounds, &mut known).await;
            }
        }
        known.logs.shrink();
        known.buffers.retain(|of, _| *of >= generation.saturating_sub(1));
        rounds.finish().map(|counted| counted.unwrap_or_else(|contended| Err(contended.into()))).collect()
    }

    /// Reads, plans and commits once. Sets no result for an order that needs another round.
    async fn count_round(
        &self,
        generation: u32,
        facts: &[OrderFacts],
        indices: &[usize],
        rounds: &mut BatchRounds<Counted>,
        known: &mut Known,
    ) {
        let logs: BTreeSet<_> = indices.iter().map(|index| (facts[*index].window, generation)).collect();
        if let Err(error) = known.logs.read(&self.table, logs).await {
            return indices.iter().for_each(|index| rounds.set(*index, Err(error.clone().into())));
        }
        let mut updates = Vec::new();
        for index in indices {
            let order = &facts[*index];
            match plan(order, known.logs.counted((order.window, generation), order.order_id)) {
                None => rounds.set(*index, Ok(())),
                Some(update) => updates.push((*index, update)),
            }
        }
        for group in groups(updates) {
            if let Some(outcome) = self.commit(generation, &group, known).await {
                group.indices.iter().for_each(|index| rounds.set(*index, outcome.clone()));
            }
        }
    }

    /// Counts a group in one transaction. Returns `None` if its orders need another round.
    async fn commit(&self, generation: u32, group: &Group, known: &mut Known) -> Option<Counted> {
        match self.transact(generation, group, known).await {
            Ok(buffer) => {
                known.logs.appended(generation, &group.updates);
                known.buffers.insert(generation, buffer);
                Some(Ok(()))
            }
            Err(TransactError::Store(_)) if is_planted("count-acknowledged-before-store") => Some(Ok(())),
            // Whether the transaction took effect is not known, or another writer was faster. What is known here may be wrong.
            Err(error) => {
                known.logs.forget(generation, &group.updates);
                known.buffers.remove(&generation);
                match error {
                    TransactError::Store(error) => Some(Err(error.into())),
                    // Which order the store refuses is known only when that order is alone in the transaction.
                    TransactError::Cancelled(reasons) => {
                        let refusal = reasons.iter().find_map(Cancellation::refusal);
                        refusal
                            .filter(|_| group.indices.len() == 1)
                            .map(|refusal| Err(CountError::Refused(refusal)))
                    }
                }
            }
        }
    }

    /// Appends to the logs and adds to the buffer. Returns the buffer as it is then.
    async fn transact(&self, generation: u32, group: &Group, known: &Known) -> Result<Buffer, TransactError> {
        let read;
        let buffer = match known.buffers.get(&generation) {
            Some(buffer) => buffer,
            None => {
                read = Buffer::read(&self.table, generation).await?;
                &read
            }
        };
        let mut writes = known.logs.writes(&self.table, generation, &group.updates)?;
        let counters_max = MAX_TRANSACTION_ACTIONS - 1 - writes.len();
        let update = buffer.add(&self.table, generation, &group.increments, counters_max)?;
        writes.extend(update.writes);
        self.store.transact(writes).await?;
        Ok(update.buffer)
    }
}

/// Divides updates, which are sorted by window, into groups that fit into a transaction.
fn groups(updates: Vec<(usize, CountUpdate)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut windows, mut counters): (BTreeSet<Window>, BTreeSet<CounterId>) = Default::default();
    for (index, update) in updates {
        windows.insert(update.window);
        counters.extend(update.increments.counters());
        let fits = windows.len() <= LOGS_MAX && counters.len() <= COUNTERS_MAX;
        let last = groups.last_mut().filter(|group| fits && group.indices.len() < ORDERS_MAX);
        let group = match last {
            Some(group) => group,
            None => {
                windows = BTreeSet::from([update.window]);
                counters = update.increments.counters().into_iter().collect();
                groups.push(Group::default());
                groups.last_mut().expect("a group was just added")
            }
        };
        group.indices.push(index);
        group.increments.merge(update.increments.clone());
        group.updates.push(update);
    }
    groups
}
