//! Counts orders in one generation: as many orders as fit into one transaction, and what happens when it is cancelled.

use std::collections::HashMap;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{
    BatchRounds, Cancellation, Contended, Store, StoreError, Table, TransactError, Value, Write,
    transaction_groups,
};

use crate::counters::{CounterId, Counts, Increments};
use crate::order_facts::OrderFacts;
use crate::plan::{CountUpdate, plan};
use crate::table::{ANALYTICS, CountedOrder, PartitionKey, SHARDS};

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
}

/// Orders that one transaction counts.
struct Group {
    /// Each with the index of its facts.
    orders: Vec<(usize, CountUpdate)>,
    increments: Increments,
}

impl Group {
    fn new(orders: Vec<(usize, CountUpdate)>) -> Self {
        let mut increments = Increments::default();
        orders.iter().for_each(|(_, update)| increments.merge(update.increments.clone()));
        Self { orders, increments }
    }
}

impl OrderCounter {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ANALYTICS) }
    }

    /// Counts in a generation what is not counted there yet. Returns one result for each order.
    pub(crate) async fn count(&self, generation: u32, facts: &[OrderFacts]) -> Vec<Counted> {
        let mut rounds = BatchRounds::new((0..facts.len()).collect());
        while let Some(groups) = rounds.next().await {
            for indices in groups {
                self.count_round(generation, facts, &indices, &mut rounds).await;
            }
        }
        rounds.finish().map(|counted| counted.unwrap_or_else(|contended| Err(contended.into()))).collect()
    }

    /// Reads, plans and commits once. Sets no result for an order that needs another round.
    async fn count_round(
        &self,
        generation: u32,
        facts: &[OrderFacts],
        indices: &[usize],
        rounds: &mut BatchRounds<Counted>,
    ) {
        let order_ids = indices.iter().map(|index| facts[*index].order_id);
        let records = match self.records(generation, order_ids).await {
            Ok(records) => records,
            Err(error) => {
                return indices.iter().for_each(|index| rounds.set(*index, Err(error.clone().into())));
            }
        };
        let mut updates = Vec::new();
        for index in indices {
            let order = &facts[*index];
            match plan(order, records.get(&order.order_id)) {
                None => rounds.set(*index, Ok(())),
                Some(update) => updates.push((*index, update)),
            }
        }
        for group in groups(updates) {
            if let Some(outcome) = self.commit(generation, &group).await {
                group.orders.iter().for_each(|(index, _)| rounds.set(*index, outcome.clone()));
            }
        }
    }

    async fn records(
        &self,
        generation: u32,
        order_ids: impl Iterator<Item = OrderId>,
    ) -> Result<HashMap<OrderId, CountedOrder>, StoreError> {
        let keys = order_ids.map(|order_id| CountedOrder::key(&self.table, generation, order_id)).collect();
        let records: Vec<CountedOrder> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.order_id, record)).collect())
    }

    /// Counts a group in one transaction. Returns `None` if its orders need another round.
    async fn commit(&self, generation: u32, group: &Group) -> Option<Counted> {
        let result = match self.writes(generation, group) {
            Ok(writes) => self.store.transact(writes).await,
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(()) => Some(Ok(())),
            Err(TransactError::Store(error)) => Some(Err(error.into())),
            // Another writer was faster, or the store refuses an item. Which order it refuses is known only when that
            // order is alone in the transaction.
            Err(TransactError::Cancelled(reasons)) => {
                let refusal =
                    reasons.iter().find_map(Cancellation::refusal).filter(|_| group.orders.len() == 1);
                refusal.map(|refusal| Err(CountError::Refused(refusal)))
            }
        }
    }

    fn writes(&self, generation: u32, group: &Group) -> Result<Vec<Write>, StoreError> {
        let (now, shard) = (Timestamp::now(), fastrand::u8(0..SHARDS));
        let counters = group.increments.iter().map(|(counter, counts)| {
            let pk = PartitionKey::Counters { collection: counter.collection, generation, shard };
            Ok(self.counter_write(pk, counter, counts, now))
        });
        let orders = group.orders.iter().map(|(_, update)| self.order_write(generation, update));
        counters.chain(orders).collect()
    }

    fn counter_write(&self, pk: PartitionKey, counter: &CounterId, counts: &Counts, now: Timestamp) -> Write {
        let write = Write::update(&self.table, self.table.key_with_range(pk.to_string(), &counter.name))
            .set("updated_at", Value::S(now.to_string()));
        let increments = counts.by_attribute().into_iter().filter(|(_, increment)| *increment != 0);
        increments.fold(write, |write, (attribute, increment)| write.increment(attribute, increment))
    }

    fn order_write(&self, generation: u32, update: &CountUpdate) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &update.record.item(generation))?;
        Ok(match update.replaces {
            None => put.if_absent(),
            Some(version) => put.if_version(version),
        })
    }
}

/// Divides updates into groups that fit into a transaction: one action for each order and one for each counter. An order
/// of 50 SKUs that is placed and confirmed in one batch has 58 actions.
fn groups(updates: Vec<(usize, CountUpdate)>) -> impl Iterator<Item = Group> {
    transaction_groups(updates, |(_, update)| update.increments.counters()).into_iter().map(Group::new)
}
