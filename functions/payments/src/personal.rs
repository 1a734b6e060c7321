//! The personal data in payments: reads the payments of orders, and blanks them.

use orderflow_bugs::is_planted;
use orderflow_domain::OrderId;
use orderflow_store::{Store, StoreError, Table, Write, WriteError, optimistic_attempts};

use crate::table::{PAYMENTS, PaymentRecord};

/// The most attempts at payments that other writers change meanwhile.
const ATTEMPTS_MAX: u32 = 6;

/// The payments of customers, as far as their personal data is concerned.
#[derive(Debug, Clone)]
pub struct PersonalPayments {
    store: Store,
    table: Table,
}

impl PersonalPayments {
    /// Returns the payments of this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS) }
    }

    /// Returns what is stored about the payments of these orders, each with its order.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn of_orders(
        &self,
        orders: &[OrderId],
    ) -> Result<Vec<(OrderId, serde_json::Value)>, StoreError> {
        let json = |record: PaymentRecord| {
            let json = serde_json::to_value(&record).map_err(|error| StoreError::Shape {
                table: self.table.name().to_owned(),
                message: error.to_string(),
            })?;
            Ok((record.order_id, json))
        };
        self.read(orders).await?.into_iter().map(json).collect()
    }

    /// Blanks e-mail address and telephone number in the payments of these orders. Returns how many changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer. Payments that are blanked by then stay so.
    pub async fn blank(&self, orders: &[OrderId]) -> Result<usize, StoreError> {
        let mut blanked = 0;
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while attempts.next().await {
            let mut found = self.read(orders).await?;
            found.retain(|payment| payment.email.is_some() || payment.phone.is_some());
            found.retain(|_| !is_planted("refund-address-not-forgotten"));
            if found.is_empty() {
                return Ok(blanked);
            }
            let writes: Result<Vec<Write>, StoreError> =
                found.into_iter().map(|payment| self.blanking(payment)).collect();
            for result in self.store.write_each(writes?).await {
                match result {
                    Ok(()) => blanked += 1,
                    Err(WriteError::ConditionFailed(_)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                }
            }
        }
        let message = "other writers keep changing a payment".to_owned();
        Err(StoreError::Shape { table: self.table.name().to_owned(), message })
    }

    async fn read(&self, orders: &[OrderId]) -> Result<Vec<PaymentRecord>, StoreError> {
        self.table.get_all(orders.iter().map(|id| self.table.key(id.to_string())).collect()).await
    }

    fn blanking(&self, payment: PaymentRecord) -> Result<Write, StoreError> {
        let replaces = payment.version;
        let blank = PaymentRecord { email: None, phone: None, version: replaces + 1, ..payment };
        Ok(Write::put(&self.table, &blank)?.if_version(replaces))
    }
}
