//! The personal data in orders: reads the orders of a customer, and blanks them.

use std::collections::BTreeSet;

use orderflow_bugs::is_planted;
use orderflow_domain::{CustomerId, Email, OrderId};
use orderflow_store::{Store, StoreError, TimeKey, WriteError, optimistic_attempts};
use serde_json::{Map, Value};

use crate::repository::{Filter, Orders};
use crate::table::OrderRecord;

/// The most attempts at an order that other writers change meanwhile. A settled order is hardly ever changed.
const ATTEMPTS_MAX: u32 = 6;

/// The attributes of an order that only serve its storage, and are no data about the customer.
const INTERNAL: [&str; 7] = [
    "listed_at",
    "all_partition",
    "status_partition",
    "sku_partition",
    "open_partition",
    "fingerprint",
    "payment_token",
];

/// The orders of customers, as far as their personal data is concerned.
#[derive(Debug, Clone)]
pub struct PersonalOrders {
    orders: Orders,
}

/// An order of a customer.
#[derive(Debug, Clone)]
pub struct PersonalOrder {
    record: OrderRecord,
}

impl PersonalOrder {
    /// Returns the order's id.
    #[must_use]
    pub fn id(&self) -> OrderId {
        self.record.id
    }

    /// Returns whether the order is settled: no service still works on it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.record.open_partition.is_none()
    }

    /// Returns whether the order has no personal data (any more).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let record = &self.record;
        record.email.is_forgotten()
            && record.phone.is_none()
            && record.payment_token.is_none()
            && record.fingerprint.is_none()
    }

    /// Returns the customer's e-mail address and telephone number in the order.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let email = Some(&self.record.email).filter(|email| !email.is_forgotten());
        email.map(Email::as_str).into_iter().chain(self.record.phone.as_ref().map(|phone| phone.as_str()))
    }

    /// Returns everything that is stored about the order, without its payment token.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if it cannot be written as JSON.
    pub fn to_json(&self) -> Result<Map<String, Value>, StoreError> {
        let json = serde_json::to_value(&self.record)
            .map_err(|error| StoreError::Shape { table: "orders".to_owned(), message: error.to_string() })?;
        let Value::Object(mut order) = json else { return Ok(Map::new()) };
        order.retain(|name, _| !INTERNAL.contains(&name.as_str()));
        Ok(order)
    }
}

impl PersonalOrders {
    /// Returns the orders of this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { orders: Orders::new(store) }
    }

    /// Returns the next orders of a customer after a position, newest first, and the position after which the next page begins.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn page(
        &self,
        customer: &CustomerId,
        after: Option<TimeKey>,
        limit: usize,
    ) -> Result<(Vec<PersonalOrder>, Option<TimeKey>), StoreError> {
        let filter = Filter { customer_id: Some(customer.clone()), ..Filter::default() };
        let page = self.orders.list(&filter, after, limit).await?;
        Ok((page.orders.into_iter().map(|record| PersonalOrder { record }).collect(), page.next))
    }

    /// Returns those of these orders that the customer placed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn placed_by(
        &self,
        customer: &CustomerId,
        ids: &BTreeSet<OrderId>,
    ) -> Result<BTreeSet<OrderId>, StoreError> {
        Ok(self.own(customer, ids).await?.map(|order| order.id).collect())
    }

    /// Returns those of these orders that the customer placed and that are blanked. An order that was placed since is not: its services still need
    /// its address and its payment token.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn blanked_of(
        &self,
        customer: &CustomerId,
        ids: &BTreeSet<OrderId>,
    ) -> Result<BTreeSet<OrderId>, StoreError> {
        let own = self.own(customer, ids).await?;
        Ok(own.filter(|order| order.email.is_forgotten()).map(|order| order.id).collect())
    }

    async fn own<'a>(
        &self,
        customer: &'a CustomerId,
        ids: &BTreeSet<OrderId>,
    ) -> Result<impl Iterator<Item = OrderRecord> + use<'a>, StoreError> {
        let found = self.orders.get_all(ids.iter().copied()).await?;
        Ok(found.into_iter().filter(move |order| order.customer_id == *customer))
    }

    /// Blanks e-mail address, telephone number, payment token and the fingerprint of the request in settled orders. Amounts, products and the
    /// customer's id stay. Returns how many orders changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer. Orders that are blanked by then stay so.
    pub async fn blank(&self, orders: Vec<PersonalOrder>) -> Result<usize, StoreError> {
        let mut open: Vec<PersonalOrder> = orders.into_iter().filter(|order| !order.is_blank()).collect();
        let mut blanked = 0;
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while !open.is_empty() && attempts.next().await {
            let mut changed = BTreeSet::new();
            let blanks: Vec<OrderRecord> = open.iter().map(PersonalOrder::blanked).collect();
            for (order, result) in open.iter().zip(self.orders.blank_each(&blanks).await?) {
                match result {
                    Ok(()) => blanked += 1,
                    Err(WriteError::ConditionFailed(_)) => drop(changed.insert(order.id())),
                    Err(WriteError::Store(error)) => return Err(error),
                }
            }
            let again = self.orders.get_all(changed.into_iter()).await?;
            open = again.into_iter().map(|record| PersonalOrder { record }).collect();
            open.retain(|order| !order.is_blank());
        }
        if open.is_empty() {
            return Ok(blanked);
        }
        let message = "other writers keep changing an order".to_owned();
        Err(StoreError::Shape { table: "orders".to_owned(), message })
    }
}

impl PersonalOrder {
    /// Returns the order without personal data, under the next version.
    fn blanked(&self) -> OrderRecord {
        OrderRecord {
            email: Email::forgotten(),
            phone: self.record.phone.clone().filter(|_| is_planted("phone-not-forgotten")),
            payment_token: None,
            fingerprint: None,
            version: self.record.version + 1,
            ..self.record.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Fact, Order, PaymentToken, Phone};

    use super::*;
    use crate::harness::{OUT_OF_STOCK, OrdersHarness, order, report};

    #[tokio::test]
    async fn a_blanked_order_keeps_its_amounts_and_stays_blank() {
        let harness = OrdersHarness::open().await;
        let personal = PersonalOrders::new(&harness.service.store);
        let phone = Some(Phone::parse("+4930123456").unwrap());
        let payment_token = Some(PaymentToken::parse("tok_1").unwrap());
        let id = harness.place_order(Order { phone, payment_token, ..order() }).await;
        harness.deliver_all(&[report(id, OUT_OF_STOCK), report(id, Fact::Uncharged)]).await;
        let before = harness.order(id).await;
        let (orders, next) = personal.page(&before.customer_id, None, 10).await.unwrap();
        assert!(orders[0].is_settled() && !orders[0].is_blank() && next.is_none());
        assert_eq!(orders[0].addresses().collect::<Vec<_>>(), [before.email.as_str(), "+4930123456"]);

        assert_eq!(personal.blank(orders.clone()).await.unwrap(), 1);
        // A version that was read before, as of a call that was repeated.
        assert_eq!(personal.blank(orders).await.unwrap(), 0);
        harness.deliver_all(&[report(id, Fact::Paid), report(id, Fact::Released)]).await;
        let after = harness.order(id).await;
        assert_eq!((after.total, after.lines, after.status), (before.total, before.lines, before.status));
        assert!(after.email.is_forgotten() && after.phone.is_none() && after.payment_token.is_none());
        let (orders, _) = personal.page(&before.customer_id, None, 10).await.unwrap();
        assert!(orders[0].is_blank() && orders[0].addresses().next().is_none());
        assert_eq!(orders[0].to_json().unwrap()["email"], "forgotten@customer.invalid");

        let placed_since = harness.place().await;
        let ids = BTreeSet::from([id, placed_since]);
        assert_eq!(personal.placed_by(&before.customer_id, &ids).await.unwrap(), ids);
        assert_eq!(personal.blanked_of(&before.customer_id, &ids).await.unwrap(), BTreeSet::from([id]));
    }

    #[tokio::test]
    async fn orders_of_other_customers_are_left_out() {
        let harness = OrdersHarness::open().await;
        let personal = PersonalOrders::new(&harness.service.store);
        let customer_id = CustomerId::parse("C-other").unwrap();
        let own = harness.place().await;
        let other = harness.place_order(Order { customer_id: customer_id.clone(), ..order() }).await;
        let ids = BTreeSet::from([own, other, OrderId::generate()]);
        assert_eq!(personal.placed_by(&customer_id, &ids).await.unwrap(), BTreeSet::from([other]));
    }
}
