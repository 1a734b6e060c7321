//! An order as it is stored.

use orderflow_domain::{
    CustomerId, Email, EventType, Money, Order, OrderId, OrderLine, OrderState, OrderStatus, PaymentToken,
    Phone, Sku, Timestamp, UnknownStatus,
};
use orderflow_store::{TimeKey, partition};
use serde::{Deserialize, Serialize};

use crate::table::SHARDS;
use crate::timeline::TimelineEntry;

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
    /// What an idempotency key stands for, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub listed_at: String,
    pub all_partition: String,
    pub status_partition: String,
    pub sku_partition: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_partition: Option<String>,
}

/// A further line of an order, so that the order is listed under that sku too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LineRecord {
    pub id: String,
    pub listed_at: String,
    pub sku_partition: String,
}

impl OrderRecord {
    /// The item of an order that is placed now.
    pub(crate) fn placed(order: Order, fingerprint: Option<String>, traceparent: Option<String>) -> Self {
        let id = order.id.to_string();
        let first_sku = order.lines.first().map_or("", |line| line.sku.as_str());
        let mut record = Self {
            sku_partition: partition(first_sku, &id, SHARDS),
            listed_at: TimeKey { time: order.created_at, order_id: order.id }.to_string(),
            all_partition: partition("all", &id, SHARDS),
            status_partition: String::new(),
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

    /// Where the order stands.
    pub(crate) fn state(&self) -> Result<OrderState, UnknownStatus> {
        Ok(OrderState {
            status: OrderStatus::from_parts(&self.status, self.reason.as_deref())?,
            inventory_answered: self.inventory_answered,
            payment_answered: self.payment_answered,
            resends: self.resends,
        })
    }

    /// Writes down where the order stands, and lists it accordingly.
    fn set_state(&mut self, state: &OrderState) {
        let id = self.id.to_string();
        self.status = state.status.name().to_owned();
        self.reason = state.status.reason().map(str::to_owned);
        self.inventory_answered = state.inventory_answered;
        self.payment_answered = state.payment_answered;
        self.resends = state.resends;
        self.status_partition = partition(&self.status, &id, SHARDS);
        self.open_partition = (!state.is_settled()).then(|| partition("open", &id, SHARDS));
    }

    /// Takes in where the order stands from now on. Gives the version that this replaces.
    pub(crate) fn advance(&mut self, state: &OrderState, now: Timestamp) -> u32 {
        let replaced = self.version;
        self.set_state(state);
        self.version += 1;
        self.updated_at = now;
        replaced
    }

    /// The items that list the order under its further skus.
    pub(crate) fn further_lines(&self) -> impl Iterator<Item = LineRecord> {
        let id = self.id.to_string();
        self.lines.iter().skip(1).map(move |line| LineRecord {
            id: format!("{id}#{}", line.sku),
            listed_at: self.listed_at.clone(),
            sku_partition: partition(line.sku.as_str(), &id, SHARDS),
        })
    }

    /// Whether a line names this sku.
    pub(crate) fn names(&self, sku: &Sku) -> bool {
        self.lines.iter().any(|line| line.sku == *sku)
    }

    /// The trace that placed it.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        orderflow_domain::trace_id(self.traceparent.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::harness::order;

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
