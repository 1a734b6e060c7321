//! Reading, writing and listing orders.

use orderflow_domain::{CustomerId, OrderId, OrderStatus, Sku};
use orderflow_store::{
    Cancellation, IndexDefinition, Item, Listing, Outbox, Store, StoreError, Table, TimeKey, TransactError,
    Write, WriteError, partitions,
};

use crate::record::OrderRecord;
use crate::table::{ALL, BY_CUSTOMER, BY_SKU, BY_STATUS, OPEN, ORDERS, SHARDS};

/// The orders of one store.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    store: Store,
    table: Table,
}

/// Which orders to list; all that is set must hold.
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
    /// The position to go on behind, if there is more.
    pub next: Option<String>,
}

/// How many keys are looked at for one page at most; a filter that matches less gets a short page and a cursor.
const MAX_KEYS_A_PAGE: usize = 5_000;
const KEYS_A_STEP: usize = 100;

impl Orders {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ORDERS) }
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

    /// Reads orders, and passes over what is none: one item that cannot be read must not keep the others from being seen to.
    pub(crate) async fn get_readable(
        &self,
        ids: impl Iterator<Item = OrderId>,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        let items = self.table.get_items(ids.map(|id| self.table.key(id.to_string())).collect()).await?;
        Ok(items.into_iter().filter_map(|item| self.readable(item)).collect())
    }

    fn readable(&self, item: Item) -> Option<OrderRecord> {
        let id = item.get(ORDERS.hash).and_then(|id| id.as_s().ok()).cloned();
        // The error itself may quote an address.
        let record = self.table.parse(item).ok();
        if record.is_none() {
            tracing::error!(order.id = id, "the order cannot be read and is passed over");
        }
        record
    }

    /// Every order, page by page: what can be read of a page, and where the next one begins, if there is one.
    pub(crate) async fn scan(
        &self,
        from: Option<Item>,
    ) -> Result<(Vec<OrderRecord>, Option<Item>), StoreError> {
        let (mut items, next) = self.table.scan(from).await?;
        items.retain(|item| !is_further_line(item));
        Ok((items.into_iter().filter_map(|item| self.readable(item)).collect(), next))
    }

    /// The shards over which the orders are spread that are not settled.
    pub(crate) fn open_shards() -> Vec<String> {
        partitions("open", SHARDS)
    }

    /// The next orders of a shard behind `after` that are not settled, oldest first, as the text of [`TimeKey`]s. The index may lag
    /// behind the orders. Fewer than `limit` means that the end was reached.
    pub(crate) async fn list_open(
        &self,
        shard: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let listing = Listing { index: &OPEN, partitions: vec![shard.to_owned()], descending: false };
        self.table.list(&listing, after, limit).await
    }

    /// Stores a new order with what it emits. Gives the order that is there already, where one is.
    pub(crate) async fn create(
        &self,
        record: &OrderRecord,
        outbox: &Outbox,
    ) -> Result<Option<Box<OrderRecord>>, StoreError> {
        let order = Write::put(&self.table, record)?.if_absent().emitting(outbox);
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

    /// The write that replaces the version an order was read with.
    pub(crate) fn replace(
        &self,
        record: &OrderRecord,
        read: u32,
        outbox: &Outbox,
    ) -> Result<Write, StoreError> {
        Ok(Write::put(&self.table, record)?.if_version(read).emitting(outbox))
    }

    /// Sends one write.
    pub(crate) async fn write(&self, write: Write) -> Result<(), WriteError> {
        self.store.write(write).await
    }

    /// Sends writes of different orders and gives an outcome for each.
    pub(crate) async fn write_each(&self, writes: Vec<Write>) -> Vec<Result<(), WriteError>> {
        self.store.write_each(writes).await
    }

    /// Lists orders, newest first. The index gives keys only; the orders themselves are read as they are now and held against the
    /// filter, so that a listing never shows a stale status.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        after: Option<String>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let listing = filter.listing();
        let mut found: Vec<OrderRecord> = Vec::with_capacity(limit + 1);
        let (mut position, mut looked_at) = (after, 0);
        // Most pages are filled by their first step; a filter that the index does not serve takes further, larger ones.
        let mut step = limit + 1;
        while looked_at < MAX_KEYS_A_PAGE {
            let keys = self.table.list(&listing, position.as_deref(), step).await?;
            looked_at += keys.len();
            let reached_end = keys.len() < step;
            position = keys.last().cloned().or(position);
            let ids = keys.iter().filter_map(|key| Some(TimeKey::parse(key)?.order_id));
            let mut orders = self.get_all(ids).await?;
            orders.retain(|order| filter.matches(order));
            orders.sort_unstable_by(|a, b| b.listed_at.cmp(&a.listed_at));
            found.extend(orders);
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|order| order.listed_at.clone());
                return Ok(Page { orders: found, next });
            }
            if reached_end {
                return Ok(Page { orders: found, next: None });
            }
            step = KEYS_A_STEP;
        }
        Ok(Page { orders: found, next: position })
    }
}

impl Filter {
    /// What a cursor of this listing belongs to.
    pub(crate) fn listing_name(&self) -> String {
        let customer = self.customer_id.as_ref().map_or("", CustomerId::as_str);
        let sku = self.sku.as_ref().map_or("", Sku::as_str);
        format!("orders?{}&{sku}&{customer}", self.status.unwrap_or_default())
    }

    /// The most selective index that serves the filter.
    fn listing(&self) -> Listing {
        let (index, partitions): (&'static IndexDefinition, _) = match self {
            Self { customer_id: Some(customer_id), .. } => (&BY_CUSTOMER, vec![customer_id.to_string()]),
            Self { sku: Some(sku), .. } => (&BY_SKU, partitions(sku.as_str(), SHARDS)),
            Self { status: Some(status), .. } => (&BY_STATUS, partitions(status, SHARDS)),
            _ => (&ALL, partitions("all", SHARDS)),
        };
        Listing { index, partitions, descending: true }
    }

    fn matches(&self, order: &OrderRecord) -> bool {
        self.customer_id.as_ref().is_none_or(|customer_id| order.customer_id == *customer_id)
            && self.status.is_none_or(|status| order.status == status)
            && self.sku.as_ref().is_none_or(|sku| order.names(sku))
    }
}

/// Whether an item only lists an order under a further sku.
fn is_further_line(item: &Item) -> bool {
    item.get(ORDERS.hash).and_then(|id| id.as_s().ok()).is_some_and(|id| id.contains('#'))
}

/// The status of that name.
pub(crate) fn status_name(text: &str) -> Option<&'static str> {
    OrderStatus::NAMES.into_iter().find(|name| *name == text)
}
