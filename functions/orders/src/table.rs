//! The table `orders`: its indexes, the item of an order, and the entries of an order's timeline.

use orderflow_bugs::is_planted;
use orderflow_domain::{
    CustomerId, Email, Event, EventData, EventType, Money, Order, OrderId, OrderLine, OrderState,
    OrderStatus, PaymentToken, Phone, Shortage, Sku, Timestamp, UnknownStatus,
};
use orderflow_messaging::Delivery;
use orderflow_store::{IndexDefinition, TableDefinition, TimeKey, partition};
use serde::{Deserialize, Serialize};

/// Orders by id. An order with several lines has one further item for each line after the first, under `<order id>#<sku>`, so that the
/// index by sku lists it under each of its skus.
pub static ORDERS: TableDefinition = TableDefinition {
    name: "orders",
    hash: "id",
    range: None,
    indexes: &[BY_CUSTOMER, BY_STATUS, BY_SKU, ALL, OPEN],
    streams: true,
};

/// Orders of a customer, by time.
pub(crate) const BY_CUSTOMER: IndexDefinition =
    IndexDefinition { name: "by_customer", hash: "customer_id", range: "listed_at" };

/// Orders that were rejected or cancelled, by time. Sparse: other orders have no `status_partition`. An order that is pending or reserved is in
/// [`OPEN`], so that its steps up to the final status change no index, and confirmed orders are those of [`ALL`] that are left: in a shop that sells,
/// they are nearly all. Orders that an earlier version confirmed have a partition, which nothing reads.
pub(crate) const BY_STATUS: IndexDefinition =
    IndexDefinition { name: "by_status", hash: "status_partition", range: "listed_at" };

/// Orders with a sku, by time.
pub(crate) const BY_SKU: IndexDefinition =
    IndexDefinition { name: "by_sku", hash: "sku_partition", range: "listed_at" };

/// All orders, by time.
pub(crate) const ALL: IndexDefinition =
    IndexDefinition { name: "all", hash: "all_partition", range: "listed_at" };

/// Orders that are not settled, by time. Sparse: a settled order has no `open_partition`.
pub(crate) const OPEN: IndexDefinition =
    IndexDefinition { name: "open", hash: "open_partition", range: "listed_at" };

/// The number of partitions over which an index value is spread that would be hot as one partition: a status, a sku, all orders.
pub(crate) const SHARDS: u8 = 16;

/// The item of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderRecord {
    pub id: OrderId,
    pub customer_id: CustomerId,
    pub email: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_token: Option<PaymentToken>,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default)]
    pub inventory_answered: bool,
    #[serde(default)]
    pub payment_answered: bool,
    // Orders stored before the attribute was renamed are still read.
    #[serde(default, alias = "redrives")]
    pub resends: u32,
    pub timeline: Vec<TimelineEntry>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    /// The fingerprint of the request, for an order that was placed under an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub listed_at: TimeKey,
    pub all_partition: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_partition: Option<String>,
    pub sku_partition: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_partition: Option<String>,
}

/// The item of a line after the first, which lists the order under the sku of that line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LineRecord {
    pub id: String,
    pub listed_at: TimeKey,
    pub sku_partition: String,
}

impl OrderRecord {
    /// Makes the item of a new order.
    pub(crate) fn placed(order: Order, fingerprint: Option<String>, traceparent: Option<String>) -> Self {
        let id = order.id.to_string();
        let first_sku = order.lines.first().map_or("", |line| line.sku.as_str());
        let mut record = Self {
            sku_partition: partition(first_sku, &id, SHARDS),
            listed_at: TimeKey { time: order.created_at, order_id: order.id },
            all_partition: partition("all", &id, SHARDS),
            status_partition: None,
            open_partition: None,
            id: order.id,
            customer_id: order.customer_id,
            email: order.email,
            phone: order.phone,
            payment_token: order.payment_token,
            lines: order.lines,
            total: order.total,
            status: String::new(),
            reason: None,
            inventory_answered: false,
            payment_answered: false,
            resends: 0,
            timeline: vec![TimelineEntry::own(EventType::OrderPlaced, order.created_at, None)],
            created_at: order.created_at,
            updated_at: order.updated_at,
            version: 1,
            fingerprint,
            traceparent,
        };
        record.set_state(&order.state);
        record
    }

    /// Returns the state of the order.
    ///
    /// # Errors
    /// [`UnknownStatus`] for a status that this version does not know.
    pub(crate) fn state(&self) -> Result<OrderState, UnknownStatus> {
        Ok(OrderState {
            status: OrderStatus::from_parts(&self.status, self.reason.as_deref())?,
            inventory_answered: self.inventory_answered,
            payment_answered: self.payment_answered,
            resends: self.resends,
        })
    }

    /// Sets the state, and with it the partitions under which the order is listed.
    fn set_state(&mut self, state: &OrderState) {
        let id = self.id.to_string();
        self.status = state.status.name().to_owned();
        self.reason = state.status.reason().map(str::to_owned);
        self.inventory_answered = state.inventory_answered;
        self.payment_answered = state.payment_answered;
        self.resends = state.resends;
        let is_refused = matches!(state.status, OrderStatus::Rejected(_) | OrderStatus::Cancelled(_));
        self.status_partition = is_refused.then(|| partition(&self.status, &id, SHARDS));
        let is_over = state.is_settled() || (is_refused && is_planted("refused-order-taken-as-settled"));
        self.open_partition = (!is_over).then(|| partition("open", &id, SHARDS));
        // Only an undecided order can still be charged.
        if state.status.ending().is_some() {
            self.payment_token = None;
        }
    }

    /// Sets the state as of `now`, under the next version. Returns the version that this replaces.
    pub(crate) fn advance(&mut self, state: &OrderState, now: Timestamp) -> u32 {
        let replaced = self.version;
        self.set_state(state);
        self.version += 1;
        self.updated_at = now;
        replaced
    }

    /// Returns the items that list the order under the skus of its lines after the first.
    pub(crate) fn further_lines(&self) -> impl Iterator<Item = LineRecord> {
        let id = self.id.to_string();
        self.lines.iter().skip(1).map(move |line| LineRecord {
            id: format!("{id}#{}", line.sku),
            listed_at: self.listed_at,
            sku_partition: partition(line.sku.as_str(), &id, SHARDS),
        })
    }

    /// Returns whether a line has this sku.
    pub(crate) fn has_sku(&self, sku: &Sku) -> bool {
        self.lines.iter().any(|line| line.sku == *sku)
    }

    /// Returns the id of the trace in which the order was placed.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        orderflow_domain::trace_id(self.traceparent.as_deref()?)
    }
}

/// One event in an order's timeline. The attribute names are short because the entry is part of the order's item, which should stay below
/// 1 KB (one write unit).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimelineEntry {
    /// The type of the event.
    #[serde(rename = "e")]
    pub event_type: String,
    /// When the event happened, in milliseconds since 1970.
    #[serde(rename = "t")]
    pub millis: i64,
    /// The attempt number of the delivery that took effect, when it was not the first.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The event's trace, when it is not the trace of the order.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Why the order was refused, or the shortages, for a person.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl TimelineEntry {
    /// Makes the entry of an event of the order itself.
    pub(crate) fn own(event_type: EventType, time: Timestamp, detail: Option<&str>) -> Self {
        Self {
            event_type: event_type.as_str().to_owned(),
            millis: time.as_millis(),
            attempt: None,
            trace_id: None,
            detail: detail.map(str::to_owned),
        }
    }

    /// Makes the entry of an event by which another service reported a fact.
    pub(crate) fn reported(delivery: &Delivery, order_trace: Option<&str>) -> Self {
        let Delivery { event, attempt, .. } = delivery;
        Self {
            event_type: event.event_type().as_str().to_owned(),
            millis: event.time.as_millis(),
            attempt: (*attempt > 1).then_some(*attempt),
            trace_id: event.trace_id().filter(|id| Some(*id) != order_trace).map(str::to_owned),
            detail: shortages(event),
        }
    }

    /// Returns the attempt number of the delivery that took effect; `None` for the order's own events, which are not delivered to it.
    pub(crate) fn delivery_attempt(&self) -> Option<u32> {
        let is_own = self.event_type.starts_with("order.");
        self.attempt.or((!is_own).then_some(1))
    }
}

/// Describes the shortages that inventory reports.
fn shortages(event: &Event) -> Option<String> {
    match &event.data {
        EventData::InventoryRejected(data) => Shortage::summary(&data.shortages),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Fact;

    use super::*;
    use crate::harness::order;

    #[test]
    fn a_confirmed_order_changes_one_index_after_it_is_placed_and_a_refused_one_two() {
        let mut record = OrderRecord::placed(order(), None, None);
        let keys = |record: &OrderRecord| {
            let OrderRecord { open_partition, status_partition, all_partition, sku_partition, .. } =
                record.clone();
            (open_partition, status_partition, all_partition, sku_partition, record.listed_at)
        };
        let placed = keys(&record);
        assert!(placed.0.is_some() && placed.1.is_none());
        let mut state = record.state().unwrap();
        state.apply(Fact::Reserved);
        record.advance(&state, record.updated_at);
        assert_eq!((record.status.as_str(), keys(&record)), ("reserved", placed.clone()));
        let (mut confirmed, mut rejected) = (record.clone(), record);
        let (mut paid, mut declined) = (state, state);
        paid.apply(Fact::Paid);
        confirmed.advance(&paid, confirmed.updated_at);
        let only_closed = (None, placed.1.clone(), placed.2.clone(), placed.3.clone(), placed.4);
        assert_eq!((confirmed.status.as_str(), keys(&confirmed)), ("confirmed", only_closed));
        declined.apply(Fact::Declined);
        rejected.advance(&declined, rejected.updated_at);
        let partition = partition("rejected", &rejected.id.to_string(), SHARDS);
        assert_eq!(rejected.status_partition, Some(partition));
    }

    #[test]
    fn an_order_stored_under_the_former_attribute_name_is_read() {
        let mut record = OrderRecord::placed(order(), None, None);
        record.resends = 3;
        let mut stored = serde_json::to_value(&record).unwrap();
        let item = stored.as_object_mut().unwrap();
        let resends = item.remove("resends").unwrap();
        item.insert("redrives".to_owned(), resends);
        assert_eq!(serde_json::from_value::<OrderRecord>(stored).unwrap(), record);
    }
}
