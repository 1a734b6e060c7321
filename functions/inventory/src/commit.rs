//! Commits the decisions for a batch of orders: as many orders in one transaction as fit, and again for those whose transaction was
//! cancelled.

use std::collections::{BTreeMap, HashMap};

use orderflow_bugs::is_planted;
use orderflow_domain::{OrderId, Sku, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::{
    BatchRounds, Cancellation, Item, Store, StoreError, Table, TransactError, Write, WriteError,
    transaction_groups,
};

use crate::plan::{Action, Available, OrderRequest, Plan, ReservationChange, plan};
use crate::table::{INVENTORY, ReservationRecord, StockRecord, reservation_pk, stock_key, stock_pk};

/// The stock levels and reservations of one store.
#[derive(Debug, Clone)]
pub(crate) struct Reservations {
    store: Store,
    table: Table,
}

/// The result for one order.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    pub outcome: Outcome,
    /// The reservation that was written, if one was.
    pub written: Option<ReservationRecord>,
}

/// The rounds of a batch of orders.
type Rounds = BatchRounds<Applied>;

/// An order's index in the batch, and the change to commit for it.
type Planned = (usize, ReservationChange);

/// Stock levels and reservations as they were read.
struct Snapshot {
    available: Available,
    reservations: HashMap<OrderId, ReservationRecord>,
}

impl Reservations {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&INVENTORY) }
    }

    /// Books the first stock of products. A sku that has a level keeps it.
    pub(crate) async fn book_first_stocks(&self, stocks: &BTreeMap<Sku, i64>) -> Vec<Result<(), WriteError>> {
        let now = Timestamp::now();
        let put = |(sku, stock): (&Sku, &i64)| {
            let put = Write::put(&self.table, &StockRecord::new(sku.clone(), *stock, now))?;
            Ok(if is_planted("first-stock-booked-again") { put } else { put.if_absent() })
        };
        let writes: Result<Vec<Write>, StoreError> = stocks.iter().map(put).collect();
        let results = match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => vec![Err(error.into()); stocks.len()],
        };
        let booked = |result| match result {
            Err(WriteError::ConditionFailed(_)) => Ok(()),
            other => other,
        };
        results.into_iter().map(booked).collect()
    }

    /// Reserves and releases for a batch of orders, each named once. Returns the result of each, in their order.
    pub(crate) async fn apply(&self, requests: &[OrderRequest]) -> Vec<Applied> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        // Releases first: the units that they return can be reserved in the same round.
        order.sort_by_key(|index| !matches!(requests[*index].action, Action::Release));
        let mut rounds = BatchRounds::new(order);
        while let Some(groups) = rounds.next().await {
            for indices in groups {
                self.try_once(requests, &indices, &mut rounds).await;
            }
        }
        rounds.finish().map(|result| result.unwrap_or_else(retry)).collect()
    }

    /// Reads, decides and commits some orders of a batch. Sets no result for an order that has to be decided again.
    async fn try_once(&self, requests: &[OrderRequest], indices: &[usize], rounds: &mut Rounds) {
        let mut snapshot = match self.read(requests, indices).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let failed = retry(error);
                return indices.iter().for_each(|index| rounds.set(*index, failed.clone()));
            }
        };
        let now = Timestamp::now();
        let mut planned: Vec<Planned> = Vec::new();
        for index in indices {
            let request = &requests[*index];
            let existing = snapshot.reservations.get(&request.order_id);
            match plan(request, existing, &mut snapshot.available, now) {
                Plan::Acknowledge => rounds.set(*index, Applied { outcome: Outcome::Done, written: None }),
                Plan::AwaitProduct(sku) => {
                    rounds.set(*index, retry(format!("the sku {sku} is not known here yet")));
                }
                Plan::Write(change) => planned.push((*index, *change)),
            }
        }
        let (moving, others): (Vec<_>, Vec<_>) =
            planned.into_iter().partition(|(_, change)| !change.moved.is_empty());
        let mut all_committed = true;
        for group in transaction_groups(moving, moved_skus) {
            all_committed &= self.commit_group(group, rounds).await;
        }
        // An order is rejected for a shortage only if the orders that this plan gave the units to were committed. Otherwise the next round
        // decides again.
        let certain = |(_, change): &Planned| all_committed || !change.record.is_short();
        self.commit_independent(others.into_iter().filter(certain).collect(), rounds).await;
    }

    async fn read(&self, requests: &[OrderRequest], indices: &[usize]) -> Result<Snapshot, StoreError> {
        let mut keys: BTreeMap<String, Item> = BTreeMap::new();
        for request in indices.iter().map(|index| &requests[*index]) {
            let pk = reservation_pk(request.order_id);
            keys.insert(pk.clone(), self.table.key(pk));
            if let Action::Reserve { lines, .. } = &request.action {
                for line in lines {
                    keys.insert(stock_pk(&line.sku), stock_key(&self.table, &line.sku));
                }
            }
        }
        let mut snapshot = Snapshot { available: Available::new(), reservations: HashMap::new() };
        for item in self.table.get_items(keys.into_values().collect()).await? {
            if item.contains_key("order_id") {
                let reservation: ReservationRecord = self.table.parse(item)?;
                snapshot.reservations.insert(reservation.order_id, reservation);
            } else {
                let stock: StockRecord = self.table.parse(item)?;
                snapshot.available.insert(stock.sku, stock.available);
            }
        }
        Ok(snapshot)
    }

    /// Commits changes that move units, in one transaction: one update for each sku and one write for each order. Returns whether the
    /// transaction was committed.
    async fn commit_group(&self, group: Vec<Planned>, rounds: &mut Rounds) -> bool {
        let result = match self.group_writes(&group) {
            Ok(writes) => self.store.transact(writes).await,
            Err(error) => Err(error.into()),
        };
        let committed = result.is_ok();
        match result {
            Ok(()) => group.into_iter().for_each(|(index, change)| rounds.set(index, done(change))),
            // Another writer was faster, or the store refuses an item. The next round reads again, without the refused orders.
            Err(TransactError::Cancelled(reasons)) => retry_refused(&group, rounds, &reasons),
            Err(TransactError::Store(_)) if is_planted("reservation-acknowledged-before-store") => {
                group.into_iter().for_each(|(index, change)| rounds.set(index, done(change)));
            }
            Err(TransactError::Store(error)) => retry_all(&group, rounds, &error),
        }
        committed
    }

    /// Returns the updates of stock levels, then one write for each order of the group, in its order.
    fn group_writes(&self, group: &[Planned]) -> Result<Vec<Write>, StoreError> {
        let mut moved: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (sku, units) in group.iter().flat_map(|(_, change)| &change.moved) {
            let sum = moved.entry(sku).or_default();
            *sum = if is_planted("hot-sku-counted-once") { *units } else { *sum + units };
        }
        let stock = moved
            .into_iter()
            .filter(|(_, units)| *units != 0)
            .map(|(sku, units)| Ok(self.stock_write(sku, units)));
        let lost = usize::from(group.len() > 1 && is_planted("group-member-lost"));
        stock.chain(group.iter().skip(lost).map(|(_, change)| self.reservation_write(change))).collect()
    }

    fn stock_write(&self, sku: &Sku, units: i64) -> Write {
        let update = Write::update(&self.table, stock_key(&self.table, sku));
        let update = update.increment_existing("available", -units).increment_existing("reserved", units);
        match units {
            1.. if is_planted("reserved-without-condition") => update,
            1.. => update.if_at_least("available", units),
            _ => update.if_at_least("reserved", -units),
        }
    }

    fn reservation_write(&self, change: &ReservationChange) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &change.record)?.emitting(&change.outbox);
        Ok(match change.replaces {
            None if is_planted("reservation-overwritten") => put,
            None => put.if_absent(),
            Some(_) if is_planted("reservation-version-ignored") => put,
            Some(version) => put.if_version(version),
        })
    }

    /// Commits changes that move no units, each on its own.
    async fn commit_independent(&self, planned: Vec<Planned>, rounds: &mut Rounds) {
        let writes: Result<Vec<Write>, StoreError> =
            planned.iter().map(|(_, change)| self.reservation_write(change)).collect();
        let written = match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => return retry_all(&planned, rounds, &error),
        };
        for ((index, change), result) in planned.into_iter().zip(written) {
            match result {
                Ok(()) => rounds.set(index, done(change)),
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => rounds.set(index, retry(error)),
            }
        }
    }
}

fn done(change: ReservationChange) -> Applied {
    Applied { outcome: Outcome::Done, written: Some(change.record) }
}

fn retry(reason: impl ToString) -> Applied {
    Applied { outcome: Outcome::retry(reason), written: None }
}

/// Returns the skus of the stock levels that a change updates.
fn moved_skus((_, change): &Planned) -> Vec<Sku> {
    change.moved.iter().map(|(sku, _)| sku.clone()).collect()
}

fn retry_all(group: &[Planned], rounds: &mut Rounds, error: &impl ToString) {
    for (index, _) in group {
        rounds.set(*index, retry(error.to_string()));
    }
}

/// Retries the orders whose own write the store refused. In a transaction of one order, every refused write is the order's own.
fn retry_refused(group: &[Planned], rounds: &mut Rounds, reasons: &[Cancellation]) {
    if let [(index, _)] = group {
        if let Some(refusal) = reasons.iter().find_map(Cancellation::refusal) {
            rounds.set(*index, retry(refusal));
        }
        return;
    }
    // The writes of orders are the last actions of the transaction.
    for ((index, _), reason) in group.iter().rev().zip(reasons.iter().rev()) {
        if let Some(refusal) = reason.refusal() {
            rounds.set(*index, retry(refusal));
        }
    }
}
