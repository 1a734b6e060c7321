//! Commits the decisions for a batch of orders: as many orders in one transaction as fit, and again for those whose transaction was
//! cancelled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orderflow_domain::{OrderId, Sku, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::{
    Cancellation, Item, MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, TransactError, Write, WriteError,
    optimistic_attempts,
};

use crate::plan::{Action, Available, Decision, OrderRequest, ReservationChange, decide};
use crate::table::{INVENTORY, ReservationRecord, StockRecord, reservation_pk, stock_key, stock_pk};

/// Attempts in which orders share transactions. Orders that fail in all of them are then committed alone, so that no order can keep others
/// from being committed.
const SHARED_ATTEMPTS_MAX: u32 = 4;

/// The most attempts at orders whose transaction is cancelled.
const ATTEMPTS_MAX: u32 = 8;

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

/// The result for each order of a batch; `None` as long as the order has to be decided again.
type Results = [Option<Applied>];

/// An order's position in the batch, and the change to commit for it.
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
            Ok(Write::put(&self.table, &StockRecord::new(sku.clone(), *stock, now))?.if_absent())
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
        let mut results: Vec<Option<Applied>> = vec![None; requests.len()];
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while results.iter().any(Option::is_none) && attempts.next().await {
            let mut open: Vec<usize> =
                (0..requests.len()).filter(|position| results[*position].is_none()).collect();
            // Releases first: the units that they return can be reserved in the same attempt.
            open.sort_by_key(|position| !matches!(requests[*position].action, Action::Release));
            let shares: Vec<&[usize]> =
                if attempts.number() <= SHARED_ATTEMPTS_MAX { vec![&open] } else { open.chunks(1).collect() };
            for share in shares {
                self.try_once(requests, share, &mut results).await;
            }
        }
        let contended = || retry("other writers keep changing the same stock levels");
        results.into_iter().map(|result| result.unwrap_or_else(contended)).collect()
    }

    /// Reads, decides and commits some orders of a batch. The result of an order stays `None` when it has to be decided again.
    async fn try_once(&self, requests: &[OrderRequest], positions: &[usize], results: &mut Results) {
        let mut snapshot = match self.read(requests, positions).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let failed = retry(error);
                return positions.iter().for_each(|position| results[*position] = Some(failed.clone()));
            }
        };
        let now = Timestamp::now();
        let mut planned: Vec<Planned> = Vec::new();
        for position in positions {
            let request = &requests[*position];
            let existing = snapshot.reservations.get(&request.order_id);
            match decide(request, existing, &mut snapshot.available, now) {
                Decision::Done => {
                    results[*position] = Some(Applied { outcome: Outcome::Done, written: None })
                }
                Decision::AwaitProduct(sku) => {
                    results[*position] = Some(retry(format!("the sku {sku} is not known here yet")));
                }
                Decision::Write(change) => planned.push((*position, *change)),
            }
        }
        let (moving, others): (Vec<_>, Vec<_>) =
            planned.into_iter().partition(|(_, change)| !change.moved.is_empty());
        let mut all_committed = true;
        for group in groups(moving) {
            all_committed &= self.commit_group(group, results).await;
        }
        // A shortage counts only if the orders that the plan gave the units to have them. Otherwise the next attempt decides again.
        let certain = |(_, change): &Planned| all_committed || !change.record.is_short();
        self.commit_independent(others.into_iter().filter(certain).collect(), results).await;
    }

    async fn read(&self, requests: &[OrderRequest], positions: &[usize]) -> Result<Snapshot, StoreError> {
        let mut keys: BTreeMap<String, Item> = BTreeMap::new();
        for request in positions.iter().map(|position| &requests[*position]) {
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
    async fn commit_group(&self, group: Vec<Planned>, results: &mut Results) -> bool {
        let result = match self.group_writes(&group) {
            Ok(writes) => self.store.transact(writes).await,
            Err(error) => Err(error.into()),
        };
        let committed = result.is_ok();
        match result {
            Ok(()) => group.into_iter().for_each(|(position, change)| results[position] = Some(done(change))),
            // Another writer was faster, or the store refuses an item. The next attempt reads again, without the refused orders.
            Err(TransactError::Cancelled(reasons)) => fail_refused(&group, results, &reasons),
            Err(TransactError::Store(error)) => fail(&group, results, &error),
        }
        committed
    }

    /// Returns the updates of stock levels, then one write for each order of the group, in its order.
    fn group_writes(&self, group: &[Planned]) -> Result<Vec<Write>, StoreError> {
        let mut moved: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (sku, units) in group.iter().flat_map(|(_, change)| &change.moved) {
            *moved.entry(sku).or_default() += units;
        }
        let stock = moved
            .into_iter()
            .filter(|(_, units)| *units != 0)
            .map(|(sku, units)| Ok(self.stock_write(sku, units)));
        stock.chain(group.iter().map(|(_, change)| self.reservation_write(change))).collect()
    }

    fn stock_write(&self, sku: &Sku, units: i64) -> Write {
        let update = Write::update(&self.table, stock_key(&self.table, sku));
        let update = update.increment_existing("available", -units).increment_existing("reserved", units);
        if units > 0 {
            update.if_at_least("available", units)
        } else {
            update.if_at_least("reserved", -units)
        }
    }

    fn reservation_write(&self, change: &ReservationChange) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &change.record)?.emitting(&change.outbox);
        Ok(match change.replaces {
            None => put.if_absent(),
            Some(version) => put.if_version(version),
        })
    }

    /// Commits changes that move no units, each on its own.
    async fn commit_independent(&self, planned: Vec<Planned>, results: &mut Results) {
        let writes: Result<Vec<Write>, StoreError> =
            planned.iter().map(|(_, change)| self.reservation_write(change)).collect();
        let written = match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => return fail(&planned, results, &error),
        };
        for ((position, change), result) in planned.into_iter().zip(written) {
            match result {
                Ok(()) => results[position] = Some(done(change)),
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => fail(&[(position, change)], results, &error),
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

fn fail(group: &[Planned], results: &mut Results, error: &impl ToString) {
    for (position, _) in group {
        results[*position] = Some(retry(error.to_string()));
    }
}

/// Retries the orders whose own write the store refused. In a transaction of one order, every refused write is the order's own.
fn fail_refused(group: &[Planned], results: &mut Results, reasons: &[Cancellation]) {
    let refusal = |reason: &Cancellation| match reason {
        Cancellation::Other { code, message } => Some(format!("{code}: {message}")),
        Cancellation::None | Cancellation::ConditionFailed(_) | Cancellation::Conflict => None,
    };
    if let [_] = group {
        if let Some(refusal) = reasons.iter().find_map(refusal) {
            fail(group, results, &refusal);
        }
        return;
    }
    // The writes of orders are the last actions of the transaction.
    for (order, reason) in group.iter().rev().zip(reasons.iter().rev()) {
        if let Some(refusal) = refusal(reason) {
            fail(std::slice::from_ref(order), results, &refusal);
        }
    }
}

/// Splits changes, in order, into groups that fit into a transaction: one action for each order and one for each sku.
fn groups(planned: Vec<Planned>) -> Vec<Vec<Planned>> {
    let mut groups: Vec<Vec<Planned>> = Vec::new();
    let mut skus: BTreeSet<Sku> = BTreeSet::new();
    for (position, change) in planned {
        let new = change.moved.iter().filter(|(sku, _)| !skus.contains(sku)).count();
        let orders = groups.last().map_or(0, Vec::len);
        if orders == 0 || orders + 1 + skus.len() + new > MAX_TRANSACTION_ACTIONS {
            groups.push(Vec::new());
            skus.clear();
        }
        skus.extend(change.moved.iter().map(|(sku, _)| sku.clone()));
        if let Some(group) = groups.last_mut() {
            group.push((position, change));
        }
    }
    groups
}
