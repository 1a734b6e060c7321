//! Counting in one generation: as many orders as fit into one transaction, and what to do when it is cancelled.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{
    Cancellation, MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, TransactError, Write,
};

use crate::plan::{Change, decide};
use crate::table::{ANALYTICS, OrderItem, OrderRecord, SHARDS, counters_pk, order_key};
use crate::tally::{Counter, Counts, Tally};
use crate::work::Work;

/// Rounds in which orders share transactions. Whoever still fails then is tried alone, so that no order can hold its neighbours up.
const SHARED_ROUNDS: usize = 4;
const ROUNDS: usize = 8;

/// An order could not be counted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CountError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store refuses to write it.
    #[error("the order cannot be counted: {0}")]
    Refused(String),
    /// Others keep counting the same order.
    #[error("others keep counting the same order")]
    Contended,
}

type Counted = Result<(), CountError>;

/// What is counted, and the counters it went into.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    store: Store,
    table: Table,
}

/// Orders that are counted by one transaction.
#[derive(Default)]
struct Group {
    /// Each with its position among the works.
    orders: Vec<(usize, Change)>,
    tally: Tally,
}

impl Ledger {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ANALYTICS) }
    }

    /// Counts what is not counted yet in a generation, and says of each order whether all of it is counted now.
    pub(crate) async fn count(&self, generation: u32, works: &[Work]) -> Vec<Counted> {
        let mut counted: Vec<Option<Counted>> = vec![None; works.len()];
        for round in 0..ROUNDS {
            let left: Vec<usize> = (0..works.len()).filter(|position| counted[*position].is_none()).collect();
            if left.is_empty() {
                break;
            }
            if round > 0 {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=4 << round))).await;
            }
            let shares: Vec<&[usize]> =
                if round < SHARED_ROUNDS { vec![&left] } else { left.chunks(1).collect() };
            for share in shares {
                self.count_round(generation, works, share, &mut counted).await;
            }
        }
        counted.into_iter().map(|counted| counted.unwrap_or(Err(CountError::Contended))).collect()
    }

    /// One round: read, decide, commit. Positions that have to go into another round stay open.
    async fn count_round(
        &self,
        generation: u32,
        works: &[Work],
        positions: &[usize],
        counted: &mut [Option<Counted>],
    ) {
        let order_ids = positions.iter().map(|position| works[*position].order_id);
        let records = match self.records(generation, order_ids).await {
            Ok(records) => records,
            Err(error) => {
                return positions
                    .iter()
                    .for_each(|position| counted[*position] = Some(Err(error.clone().into())));
            }
        };
        let mut changes = Vec::new();
        for position in positions {
            let work = &works[*position];
            match decide(work, records.get(&work.order_id)) {
                None => counted[*position] = Some(Ok(())),
                Some(change) => changes.push((*position, change)),
            }
        }
        for group in groups(changes) {
            if let Some(outcome) = self.commit(generation, &group).await {
                group.orders.iter().for_each(|(position, _)| counted[*position] = Some(outcome.clone()));
            }
        }
    }

    async fn records(
        &self,
        generation: u32,
        order_ids: impl Iterator<Item = OrderId>,
    ) -> Result<HashMap<OrderId, OrderRecord>, StoreError> {
        let keys = order_ids.map(|order_id| order_key(&self.table, generation, order_id)).collect();
        let records: Vec<OrderRecord> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.order_id, record)).collect())
    }

    /// Counts a group, all or nothing. None where another round has to look again.
    async fn commit(&self, generation: u32, group: &Group) -> Option<Counted> {
        let result = match self.writes(generation, group) {
            Ok(writes) => self.store.transact(writes).await,
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(()) => Some(Ok(())),
            Err(TransactError::Store(error)) => Some(Err(error.into())),
            // Somebody was faster, or an item is refused: alone, the order that is to blame is found out.
            Err(TransactError::Cancelled(reasons)) => {
                let refusal = reasons.iter().find_map(refusal).filter(|_| group.orders.len() == 1);
                refusal.map(|refusal| Err(CountError::Refused(refusal)))
            }
        }
    }

    fn writes(&self, generation: u32, group: &Group) -> Result<Vec<Write>, StoreError> {
        let (now, shard) = (Timestamp::now(), fastrand::u8(0..SHARDS));
        let counters = group.tally.iter().map(|(counter, counts)| {
            let pk = counters_pk(counter.collection, generation, shard);
            Ok(self.counter_write(pk, counter, counts, now))
        });
        let orders = group.orders.iter().map(|(_, change)| self.order_write(generation, change));
        counters.chain(orders).collect()
    }

    fn counter_write(&self, pk: String, counter: &Counter, counts: &Counts, now: Timestamp) -> Write {
        let write = Write::update(&self.table, self.table.key_with_range(pk, &counter.name))
            .set("updated_at", AttributeValue::S(now.to_string()));
        let changed = counts.named().into_iter().filter(|(_, change)| *change != 0);
        changed.fold(write, |write, (name, change)| write.count(name, change))
    }

    fn order_write(&self, generation: u32, change: &Change) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &OrderItem::new(generation, &change.record))?;
        Ok(match change.replaces {
            None => put.if_absent(),
            Some(version) => put.if_version(version),
        })
    }
}

fn refusal(reason: &Cancellation) -> Option<String> {
    match reason {
        Cancellation::Other { code, message } => Some(format!("{code}: {message}")),
        Cancellation::None | Cancellation::ConditionFailed(_) | Cancellation::Conflict => None,
    }
}

/// Cuts changes into groups that fit into a transaction: one action an order and one a counter. An order of 50 skus that was placed and
/// ended has 58.
fn groups(changes: Vec<(usize, Change)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (position, change) in changes {
        let fits = |group: &&mut Group| {
            group.orders.len() + 1 + group.tally.len_with(&change.tally) <= MAX_TRANSACTION_ACTIONS
        };
        let group = match groups.last_mut().filter(fits) {
            Some(group) => group,
            None => {
                groups.push(Group::default());
                groups.last_mut().expect("one was added")
            }
        };
        group.tally.merge(change.tally.clone());
        group.orders.push((position, change));
    }
    groups
}
