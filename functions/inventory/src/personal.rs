//! The payment tokens in reservations. A reservation has no other personal data.

use orderflow_bugs::is_planted;
use orderflow_domain::OrderId;
use orderflow_store::{Store, StoreError, Table, Write, WriteError, optimistic_attempts};

use crate::table::{INVENTORY, ReservationRecord, reservation_pk};

/// The most attempts at reservations that other writers change meanwhile.
const ATTEMPTS_MAX: u32 = 6;

/// The reservations of customers, as far as their personal data is concerned.
#[derive(Debug, Clone)]
pub struct PersonalReservations {
    store: Store,
    table: Table,
}

impl PersonalReservations {
    /// Returns the reservations of this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&INVENTORY) }
    }

    /// Removes the payment tokens from the reservations of these orders, which must be settled. Returns how many changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer. Reservations that changed by then stay so.
    pub async fn blank(&self, orders: &[OrderId]) -> Result<usize, StoreError> {
        let mut blanked = 0;
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while attempts.next().await {
            let keys = orders.iter().map(|id| self.table.key(reservation_pk(*id)));
            let mut found: Vec<ReservationRecord> = self.table.get_all(keys.collect()).await?;
            found.retain(|found| found.payment_token.is_some() && !is_planted("token-not-forgotten"));
            if found.is_empty() {
                return Ok(blanked);
            }
            let writes: Result<Vec<Write>, StoreError> =
                found.into_iter().map(|reservation| self.blanking(reservation)).collect();
            for result in self.store.write_each(writes?).await {
                match result {
                    Ok(()) => blanked += 1,
                    Err(WriteError::ConditionFailed(_)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                }
            }
        }
        let message = "other writers keep changing a reservation".to_owned();
        Err(StoreError::Shape { table: self.table.name().to_owned(), message })
    }

    fn blanking(&self, reservation: ReservationRecord) -> Result<Write, StoreError> {
        let replaces = reservation.version;
        let blank = ReservationRecord { payment_token: None, version: replaces + 1, ..reservation };
        Ok(Write::put(&self.table, &blank)?.if_version(replaces))
    }
}
