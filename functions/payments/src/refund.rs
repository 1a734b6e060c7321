//! Refunds that were given up, tried again by hand.

use std::sync::Arc;

use orderflow_domain::OrderId;
use orderflow_http::{Problem, ProblemKind};
use orderflow_store::{Store, StoreError, Table, WriteError};

use crate::change::Change;
use crate::gateway::{GatewayError, PaymentGateway, Undone};
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// How often a refund is tried anew when its row changed meanwhile.
const ROUNDS: usize = 4;

/// Gives back what could not be given back before.
#[derive(Clone)]
pub(crate) struct Refunds {
    store: Store,
    table: Table,
    gateway: Arc<dyn PaymentGateway>,
}

/// A refund that was not tried, or failed again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefundError {
    #[error("the order has no payment")]
    NoPayment,
    #[error("the payment is {}: only a refund that failed is tried again", .0.as_str())]
    NotFailed(PaymentStatus),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the payment changed meanwhile, again and again")]
    Contended,
}

impl Refunds {
    pub(crate) fn new(store: &Store, gateway: Arc<dyn PaymentGateway>) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS), gateway }
    }

    /// Undoes the charge of an order whose refund was given up, and gives the row as it is then. One that is undone is left as it is.
    ///
    /// # Errors
    /// [`RefundError`] where nothing was given back.
    pub(crate) async fn retry(&self, order_id: OrderId) -> Result<PaymentRecord, RefundError> {
        for _ in 0..ROUNDS {
            let row: Option<PaymentRecord> = self.table.get(self.table.key(order_id.to_string())).await?;
            let row = row.ok_or(RefundError::NoPayment)?;
            match row.status {
                PaymentStatus::RefundFailed => {}
                PaymentStatus::Refunded | PaymentStatus::Voided => return Ok(row),
                other => return Err(RefundError::NotFailed(other)),
            }
            let undone = self.gateway.undo(order_id, &row.total()).await?;
            if undone == Undone::Voided && row.tells_of_a_charge() {
                return Err(GatewayError::unknown_charge().into());
            }
            let change = Change::undone(&row, undone);
            match self.store.write(change.write(&self.table)?).await {
                Ok(()) => {
                    tracing::info!(order.id = %order_id, "the charge is undone at last");
                    return Ok(change.into_record());
                }
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => return Err(error.into()),
            }
        }
        Err(RefundError::Contended)
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        use GatewayError::{Busy, Open, RefundFailed, Refused};
        match error {
            RefundError::NoPayment => Self::not_found(),
            RefundError::NotFailed(_) | RefundError::Gateway(RefundFailed(_) | Refused(_)) => {
                Self::new(ProblemKind::PaymentNotRefundable, error.to_string())
            }
            RefundError::Gateway(Open { retry_after } | Busy { retry_after }) => {
                Self::unavailable(error).with_retry_after(retry_after)
            }
            RefundError::Gateway(_) | RefundError::Store(_) | RefundError::Contended => {
                Self::unavailable(error)
            }
        }
    }
}
