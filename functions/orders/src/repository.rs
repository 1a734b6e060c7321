//! Reading, writing and listing orders.

use std::num::NonZero;
use std::sync::Arc;

use orderflow_bugs::is_planted;
use orderflow_domain::{CustomerId, OrderId, OrderStatus, Sku};
use orderflow_store::{
    Cancellation, IndexDefinition, Item, Listing, Outbox, Store, StoreError, Table, TimeKey, TransactError,
    Write, WriteError, partitions, text,
};
use tokio::sync::Semaphore;

use crate::table::{ALL, BY_CUSTOMER, BY_SKU, BY_STATUS, OPEN, ORDERS, OrderRecord, SHARDS};
use crate::transition::Transition;

/// The orders of one store.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    store: Store,
    table: Table,
    /// The turns of listings, which read much more than other requests.
    turns: Arc<Semaphore>,
}

/// The orders to list: those that match every field that is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub customer_id: Option<CustomerId>,
    pub status: Option<&'static str>,
    pub sku: Option<Sku>,
}

/// A page of a listing.
#[derive(Debug)]
pub(crate) struct Page {
    pub orders: Vec<OrderRecord>,
    /// The key after which the next page begins; `None` on the last page.
    pub next: Option<TimeKey>,
}

/// The most keys that one page of a listing examines, and so the most orders that it reads. A filter that matches few of them gets a short or
/// empty page and a cursor.
const KEYS_MAX: usize = 200;

/// Returns how many listings read at the same time. Half of the processors stay free, so that many callers of listings do not delay new orders.
fn listings_at_once() -> usize {
    (std::thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1)
}

impl Orders {
    pub(crate) fn new(store: &Store) -> Self {
        let turns = Arc::new(Semaphore::new(listings_at_once()));
        Self { store: store.clone(), table: store.table(&ORDERS), turns }
    }

    pub(crate) async fn get(&self, id: OrderId) -> Result<Option<OrderRecord>, StoreError> {
        self.table.get(self.table.key(id.to_string())).await
    }

    pub(crate) async fn get_all(
        &self,
        ids: impl Iterator<Item = OrderId>,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.table.get_all(ids.map(|id| self.table.key(id.to_string())).collect()).await
    }

    /// Reads orders and skips items that are not valid, so that one such item does not stop a sweep over all orders.
    pub(crate) async fn get_valid(
        &self,
        ids: impl Iterator<Item = OrderId>,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        let items = self.table.get_items(ids.map(|id| self.table.key(id.to_string())).collect()).await?;
        Ok(items.into_iter().filter_map(|item| self.valid(item)).collect())
    }

    fn valid(&self, item: Item) -> Option<OrderRecord> {
        let id = text(&item, ORDERS.hash).map(str::to_owned);
        // The error is not logged: it may quote a customer's address.
        let record = self.table.parse(item).ok();
        if record.is_none() {
            tracing::error!(order.id = id, "order skipped: its item is not valid");
        }
        record
    }

    /// Reads a page of all orders in no particular order, skipping items that are not valid. Returns the key at which the next page begins,
    /// if there is one.
    pub(crate) async fn scan(
        &self,
        from: Option<Item>,
    ) -> Result<(Vec<OrderRecord>, Option<Item>), StoreError> {
        let (mut items, next) = self.table.scan(from).await?;
        items.retain(|item| !is_further_line(item));
        Ok((items.into_iter().filter_map(|item| self.valid(item)).collect(), next))
    }

    /// Returns the partitions of the index of unsettled orders.
    pub(crate) fn open_partitions() -> Vec<String> {
        partitions("open", SHARDS)
    }

    /// Lists the next unsettled orders of one partition after a position, oldest first. Returns the position after which the next page
    /// begins, if there is one. The index may lag behind the orders.
    pub(crate) async fn list_open(
        &self,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<TimeKey>, Option<String>), StoreError> {
        let listing = Listing { index: &OPEN, partitions: vec![partition.to_owned()], descending: false };
        let (keys, next) = self.table.page(&listing, after, limit).await?;
        Ok((keys.iter().filter_map(|key| TimeKey::parse(key)).collect(), next))
    }

    /// Stores a new order with the events that it emits. Returns the stored order when there is one with this id.
    pub(crate) async fn create(
        &self,
        record: &OrderRecord,
        outbox: &Outbox,
    ) -> Result<Option<Box<OrderRecord>>, StoreError> {
        let order = Write::put(&self.table, record)?.emitting(outbox);
        let order = if is_planted("order-overwritten") { order } else { order.if_absent() };
        let existing = if record.lines.len() == 1 {
            match self.store.write(order).await {
                Ok(()) => return Ok(None),
                Err(WriteError::ConditionFailed(item)) => item,
                Err(WriteError::Store(error)) => return Err(error),
            }
        } else {
            let lines = record.further_lines().map(|line| Write::put(&self.table, &line));
            let writes = std::iter::once(Ok(order)).chain(lines).collect::<Result<Vec<_>, _>>()?;
            match self.store.transact(writes).await {
                Ok(()) => return Ok(None),
                Err(TransactError::Cancelled(reasons)) => self.existing(reasons)?,
                Err(TransactError::Store(error)) => return Err(error),
            }
        };
        match existing {
            Some(item) => Ok(Some(Box::new(self.table.parse(Item::clone(&item))?))),
            None => self.get(record.id).await.map(|found| found.map(Box::new)),
        }
    }

    fn existing(&self, reasons: Vec<Cancellation>) -> Result<Option<Box<Item>>, StoreError> {
        match reasons.into_iter().next() {
            Some(Cancellation::ConditionFailed(item)) => Ok(item),
            other => {
                let message = format!("a transaction was cancelled: {other:?}");
                Err(StoreError::Shape { table: self.table.name().to_owned(), message })
            }
        }
    }

    /// Writes a transition if the order still has the version that the transition replaces.
    pub(crate) async fn replace(&self, transition: &Transition) -> Result<(), WriteError> {
        self.store.write(self.replacement(transition)?).await
    }

    /// Writes transitions of different orders, each on the condition of [`Orders::replace`]. Returns a result for each.
    pub(crate) async fn replace_each(&self, transitions: &[Transition]) -> Vec<Result<(), WriteError>> {
        let writes: Result<Vec<Write>, StoreError> =
            transitions.iter().map(|transition| self.replacement(transition)).collect();
        match writes {
            Ok(writes) => self.store.write_each(writes).await,
            Err(error) => vec![Err(error.into()); transitions.len()],
        }
    }

    /// Writes orders whose personal data is blanked, each if the stored one still has the version before. Returns a result for each.
    pub(crate) async fn blank_each(
        &self,
        blanked: &[OrderRecord],
    ) -> Result<Vec<Result<(), WriteError>>, StoreError> {
        let write = |blank: &OrderRecord| Ok(Write::put(&self.table, blank)?.if_version(blank.version - 1));
        let writes: Result<Vec<Write>, StoreError> = blanked.iter().map(write).collect();
        Ok(self.store.write_each(writes?).await)
    }

    fn replacement(&self, transition: &Transition) -> Result<Write, StoreError> {
        let put = Write::put(&self.table, &transition.record)?;
        let put = put.emitting(&transition.outbox);
        Ok(if is_planted("order-version-ignored") { put } else { put.if_version(transition.replaces) })
    }

    /// Lists orders, newest first. The index supplies keys only; the orders are read as they are now and compared with the filter, so that a
    /// listing never shows a stale status. Listings take turns.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        after: Option<TimeKey>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let _turn = self.turns.acquire().await;
        let mut found: Vec<OrderRecord> = Vec::with_capacity(limit + 1);
        let (mut position, mut examined) = (after.map(|key| key.to_string()), 0);
        // The first step fills most pages. A filter that no index serves takes the rest of the budget in a second one.
        let mut step = (limit + 1).min(KEYS_MAX);
        let (listing, mut keys) = self.shortest(filter.listings(), position.as_deref(), step).await?;
        loop {
            examined += keys.len();
            let reached_end = keys.len() < step;
            let ids = keys.iter().filter_map(|key| Some(TimeKey::parse(key)?.order_id));
            let mut orders = self.get_all(ids).await?;
            orders.retain(|order| filter.matches(order));
            orders.sort_unstable_by_key(|order| std::cmp::Reverse(order.listed_at));
            found.extend(orders);
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|order| order.listed_at);
                return Ok(Page { orders: found, next });
            }
            if reached_end {
                return Ok(Page { orders: found, next: None });
            }
            position = keys.into_iter().next_back().or(position);
            step = KEYS_MAX - examined;
            if step == 0 {
                break;
            }
            keys = self.table.list(&listing, position.as_deref(), step).await?;
        }
        Ok(Page { orders: found, next: position.and_then(|key| TimeKey::parse(&key)) })
    }

    /// Returns the listing with the fewest of the next `step` keys, with these keys; the last of several. A filter that few or no orders match,
    /// such as a rare status, then reads no orders of the other filters, and one that no order matches nothing of the later listings.
    async fn shortest(
        &self,
        listings: Vec<Listing>,
        after: Option<&str>,
        step: usize,
    ) -> Result<(Listing, Vec<String>), StoreError> {
        let mut shortest: Option<(Listing, Vec<String>)> = None;
        for listing in listings {
            let keys = self.table.list(&listing, after, step).await?;
            if shortest.as_ref().is_none_or(|(_, fewest)| keys.len() <= fewest.len()) {
                let none_left = keys.is_empty();
                shortest = Some((listing, keys));
                if none_left {
                    break;
                }
            }
        }
        Ok(shortest.expect("a filter without parts has the listing of all orders"))
    }
}

impl Filter {
    /// Returns the name of the listing, which its cursors carry.
    pub(crate) fn listing_name(&self) -> String {
        let customer = self.customer_id.as_ref().map_or("", CustomerId::as_str);
        let sku = self.sku.as_ref().map_or("", Sku::as_str);
        format!("orders?{}&{sku}&{customer}", self.status.unwrap_or_default())
    }

    /// Returns the listing of each index that serves a part of the filter, the one that most often has no orders first, and
    /// the one that is usually the most selective last. All have the same keys,
    /// so a position in one is a position in each.
    fn listings(&self) -> Vec<Listing> {
        let mut found: Vec<(&'static IndexDefinition, Vec<String>)> = Vec::new();
        found.extend(self.status.and_then(|status| match status {
            "pending" | "reserved" => Some((&OPEN, partitions("open", SHARDS))),
            // Nearly all orders are confirmed: an index of them would list what the other indexes list.
            "confirmed" => None,
            _ => Some((&BY_STATUS, partitions(status, SHARDS))),
        }));
        found.extend(self.sku.as_ref().map(|sku| (&BY_SKU, partitions(sku.as_str(), SHARDS))));
        found.extend(self.customer_id.as_ref().map(|id| (&BY_CUSTOMER, vec![id.to_string()])));
        if found.is_empty() {
            found.push((&ALL, partitions("all", SHARDS)));
        }
        let listing = |(index, partitions)| Listing { index, partitions, descending: true };
        found.into_iter().map(listing).collect()
    }

    fn matches(&self, order: &OrderRecord) -> bool {
        self.customer_id.as_ref().is_none_or(|customer_id| order.customer_id == *customer_id)
            && self.status.is_none_or(|status| order.status == status)
            && self.sku.as_ref().is_none_or(|sku| order.has_sku(sku))
    }
}

/// Returns whether an item only lists an order under the sku of a line after the first.
fn is_further_line(item: &Item) -> bool {
    text(item, ORDERS.hash).is_some_and(|id| id.contains('#'))
}

/// Returns the order status with this name.
pub(crate) fn status_name(text: &str) -> Option<&'static str> {
    OrderStatus::NAMES.into_iter().find(|name| *name == text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orderflow_domain::Fact;
    use orderflow_testing::service::ServiceHarness;

    use super::*;
    use crate::harness::{OUT_OF_STOCK, OrdersHarness, report};

    #[tokio::test]
    async fn listings_take_turns_and_other_requests_do_not_wait_for_them() {
        let service = ServiceHarness::open(&[&ORDERS]).await;
        let orders = Orders::new(&service.store);
        let turns = u32::try_from(listings_at_once()).unwrap();
        let all = orders.turns.acquire_many(turns).await.unwrap();
        let filter = Filter::default();
        let waiting = tokio::time::timeout(Duration::from_millis(50), orders.list(&filter, None, 20));
        assert!(waiting.await.is_err());
        assert_eq!(orders.get(OrderId::generate()).await.unwrap(), None);
        drop(all);
        assert!(orders.list(&filter, None, 20).await.unwrap().orders.is_empty());
    }

    #[tokio::test]
    async fn confirmed_orders_are_listed_among_others_page_by_page() {
        let harness = OrdersHarness::open().await;
        let mut confirmed = Vec::new();
        for number in 0..12 {
            let id = harness.place().await;
            match number % 4 {
                0 => harness.deliver_all(&[report(id, OUT_OF_STOCK)]).await,
                1 => assert_eq!(harness.cancel(id).await, 200),
                2 => {}
                _ => {
                    harness.deliver_all(&[report(id, Fact::Reserved), report(id, Fact::Paid)]).await;
                    confirmed.insert(0, id);
                }
            }
        }
        let filter = Filter { status: Some("confirmed"), ..Filter::default() };
        for limit in [1, 2, 5] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = harness.orders.list(&filter, after, limit).await.unwrap();
                found.extend(page.orders.iter().map(|order| order.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, confirmed, "pages of {limit}");
        }
    }
}
