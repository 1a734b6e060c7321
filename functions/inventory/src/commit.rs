//! Carrying out a plan: as many orders as fit into one transaction, and what to do when it is cancelled.

use std::collections::{BTreeMap, HashMap};

use orderflow_domain::{OrderId, Sku, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::{
    Cancellation, Item, MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, TransactError, Write, WriteError,
    optimistic_attempts,
};

use crate::plan::{Available, Change, Decision, Request, Work, decide};
use crate::table::{INVENTORY, ReservationRecord, StockRecord, reservation_pk, stock_key, stock_pk};

/// Rounds in which orders share transactions. Whoever still fails then is tried alone, so that no order can hold its neighbours up.
const SHARED_ROUNDS: u32 = 4;
const ROUNDS: u32 = 8;

/// The stock and reservations of one store.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    store: Store,
    table: Table,
}

/// What became of one order.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub outcome: Outcome,
    /// The reservation that was written, if one was.
    pub written: Option<ReservationRecord>,
}

/// Stock and reservations as they were read.
struct Snapshot {
    available: Available,
    reservations: HashMap<OrderId, ReservationRecord>,
}

impl Ledger {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&INVENTORY) }
    }

    /// Books first stocks; a sku that has a level keeps it.
    pub(crate) async fn book_first_stocks(&self, stocks: &BTreeMap<Sku, i64>) -> Vec<Result<(), WriteError>> {
        let now = Timestamp::now();
        let put = |(sku, stock): (&Sku, &i64)| {
            Ok(Write::put(&self.table, &StockRecord::new(sku.clone(), *stock, now))?.if_absent())
        };
        let writes: Result<Vec<Write>, StoreError> = stocks.iter().map(put).collect();
        let outcomes = match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => vec![Err(error.into()); stocks.len()],
        };
        let booked = |outcome| match outcome {
            Err(WriteError::ConditionFailed(_)) => Ok(()),
            other => other,
        };
        outcomes.into_iter().map(booked).collect()
    }

    /// Reserves and releases for a batch of orders, each named once, and says what became of each, in their order.
    pub(crate) async fn settle(&self, works: &[Work]) -> Vec<Settled> {
        let mut settled: Vec<Option<Settled>> = vec![None; works.len()];
        let mut rounds = optimistic_attempts(ROUNDS);
        loop {
            let mut left: Vec<usize> =
                (0..works.len()).filter(|position| settled[*position].is_none()).collect();
            if left.is_empty() || !rounds.next().await {
                break;
            }
            // Releases first: what they give back can be given out in the same round.
            left.sort_by_key(|position| !matches!(works[*position].request, Request::Release));
            let shares: Vec<&[usize]> =
                if rounds.number() <= SHARED_ROUNDS { vec![&left] } else { left.chunks(1).collect() };
            for share in shares {
                self.settle_round(works, share, &mut settled).await;
            }
        }
        let contended =
            || Settled { outcome: Outcome::retry("others keep changing the same stock"), written: None };
        settled.into_iter().map(|settled| settled.unwrap_or_else(contended)).collect()
    }

    /// One round: read, decide, commit. Positions that have to go into another round stay unsettled.
    async fn settle_round(&self, works: &[Work], positions: &[usize], settled: &mut [Option<Settled>]) {
        let mut snapshot = match self.read(works, positions).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let failed = Settled { outcome: Outcome::retry(error), written: None };
                return positions.iter().for_each(|position| settled[*position] = Some(failed.clone()));
            }
        };
        let now = Timestamp::now();
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for position in positions {
            let work = &works[*position];
            let existing = snapshot.reservations.get(&work.order_id);
            match decide(work, existing, &mut snapshot.available, now) {
                Decision::Done => {
                    settled[*position] = Some(Settled { outcome: Outcome::Done, written: None })
                }
                Decision::AwaitProduct(sku) => {
                    let outcome = Outcome::retry(format!("{sku} is not known here yet"));
                    settled[*position] = Some(Settled { outcome, written: None });
                }
                Decision::Write(change) => changes.push((*position, *change)),
            }
        }
        let (moving, still): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|(_, change)| !change.taken.is_empty());
        let mut all_moved = true;
        for group in groups(moving) {
            all_moved &= self.commit_group(group, settled).await;
        }
        // There is too little only where those who were given the rest have it. Otherwise the next round decides anew.
        let certain = |(_, change): &(usize, Change)| all_moved || !change.record.is_short();
        self.commit_independent(still.into_iter().filter(certain).collect(), settled).await;
    }

    async fn read(&self, works: &[Work], positions: &[usize]) -> Result<Snapshot, StoreError> {
        let works = positions.iter().map(|position| &works[*position]);
        let mut keys: BTreeMap<String, Item> = BTreeMap::new();
        for work in works {
            let pk = reservation_pk(work.order_id);
            keys.insert(pk.clone(), self.table.key(pk));
            if let Request::Reserve { lines, .. } = &work.request {
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

    /// Commits changes that move units: the orders of the group and one update a sku, all or nothing. Says whether it did.
    async fn commit_group(&self, group: Vec<(usize, Change)>, settled: &mut [Option<Settled>]) -> bool {
        let result = match self.group_writes(&group) {
            Ok(writes) => self.store.transact(writes).await,
            Err(error) => Err(error.into()),
        };
        let committed = result.is_ok();
        match result {
            Ok(()) => group.into_iter().for_each(|(position, change)| settled[position] = Some(done(change))),
            // Somebody was faster, or an item is refused: the next round reads again, without the order that is to blame.
            Err(TransactError::Cancelled(reasons)) => fail_blamed(&group, settled, &reasons),
            Err(TransactError::Store(error)) => fail(&group, settled, &error),
        }
        committed
    }

    /// The updates of stock, then one write for each order of the group, in its order.
    fn group_writes(&self, group: &[(usize, Change)]) -> Result<Vec<Write>, StoreError> {
        let mut moved: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (sku, units) in group.iter().flat_map(|(_, change)| &change.taken) {
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
        let update = update.add("available", -units).add("reserved", units);
        if units > 0 {
            update.if_at_least("available", units)
        } else {
            update.if_at_least("reserved", -units)
        }
    }

    fn reservation_write(&self, change: &Change) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &change.record)?.emitting(&change.outbox);
        Ok(match change.replaces {
            None => put.if_absent(),
            Some(version) => put.if_version(version),
        })
    }

    /// Commits changes that move no units: they have nothing to do with each other.
    async fn commit_independent(&self, changes: Vec<(usize, Change)>, settled: &mut [Option<Settled>]) {
        let writes: Result<Vec<Write>, StoreError> =
            changes.iter().map(|(_, change)| self.reservation_write(change)).collect();
        let outcomes = match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => return fail(&changes, settled, &error),
        };
        for ((position, change), outcome) in changes.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => settled[position] = Some(done(change)),
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => fail(&[(position, change)], settled, &error),
            }
        }
    }
}

fn done(change: Change) -> Settled {
    Settled { outcome: Outcome::Done, written: Some(change.record) }
}

fn fail(group: &[(usize, Change)], settled: &mut [Option<Settled>], error: &impl ToString) {
    for (position, _) in group {
        settled[*position] = Some(Settled { outcome: Outcome::retry(error.to_string()), written: None });
    }
}

/// Fails the orders whose own write the store refuses, and an order alone for whatever is refused of it.
fn fail_blamed(group: &[(usize, Change)], settled: &mut [Option<Settled>], reasons: &[Cancellation]) {
    let refusal = |reason: &Cancellation| match reason {
        Cancellation::Other { code, message } => Some(format!("{code}: {message}")),
        Cancellation::None | Cancellation::ConditionFailed(_) | Cancellation::Conflict => None,
    };
    if let [_] = group {
        if let Some(refusal) = reasons.iter().find_map(refusal) {
            fail(group, settled, &refusal);
        }
        return;
    }
    for (order, reason) in group.iter().rev().zip(reasons.iter().rev()) {
        if let Some(refusal) = refusal(reason) {
            fail(std::slice::from_ref(order), settled, &refusal);
        }
    }
}

/// Cuts changes, in order, into groups that fit into a transaction: one action an order and one a sku.
fn groups(changes: Vec<(usize, Change)>) -> Vec<Vec<(usize, Change)>> {
    let mut groups: Vec<Vec<(usize, Change)>> = Vec::new();
    let mut skus: std::collections::BTreeSet<Sku> = std::collections::BTreeSet::new();
    for (position, change) in changes {
        let new = change.taken.iter().filter(|(sku, _)| !skus.contains(sku)).count();
        let orders = groups.last().map_or(0, Vec::len);
        if orders == 0 || orders + 1 + skus.len() + new > MAX_TRANSACTION_ACTIONS {
            groups.push(Vec::new());
            skus.clear();
        }
        skus.extend(change.taken.iter().map(|(sku, _)| sku.clone()));
        if let Some(group) = groups.last_mut() {
            group.push((position, change));
        }
    }
    groups
}
