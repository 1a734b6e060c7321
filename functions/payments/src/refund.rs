//! Refunds that were given up or did not last, tried again by hand.

use std::sync::Arc;

use orderflow_domain::OrderId;
use orderflow_http::{Problem, ProblemKind};
use orderflow_store::{Store, StoreError, Table, WriteError, optimistic_attempts};

use crate::change::Change;
use crate::decision::report_failed_refund;
use crate::gateway::{GatewayError, PaymentGateway, Undone};
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// How often a refund is tried anew when its row changed meanwhile.
const ROUNDS: u32 = 4;

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
    #[error("the payment is {}: only a refund is tried again", .0.as_str())]
    NoRefund(PaymentStatus),
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

    /// Makes sure that a charge is given back whose refund was given up, or was taken by the provider and may have failed
    /// since. Gives the row as it is then.
    ///
    /// # Errors
    /// [`RefundError`] where it is not certain that nothing of the charge is left.
    pub(crate) async fn retry(&self, order_id: OrderId) -> Result<PaymentRecord, RefundError> {
        let mut rounds = optimistic_attempts(ROUNDS);
        while rounds.next().await {
            let row: Option<PaymentRecord> = self.table.get(self.table.key(order_id.to_string())).await?;
            if let Some(undone) = self.attempt(row.ok_or(RefundError::NoPayment)?).await? {
                return Ok(undone);
            }
        }
        Err(RefundError::Contended)
    }

    /// None where the row changed meanwhile.
    async fn attempt(&self, row: PaymentRecord) -> Result<Option<PaymentRecord>, RefundError> {
        let was_refunded = match row.status {
            PaymentStatus::Refunded => true,
            PaymentStatus::RefundFailed => false,
            PaymentStatus::Voided => return Ok(Some(row)),
            other => return Err(RefundError::NoRefund(other)),
        };
        match self.gateway.undo(row.order_id, &row.total()).await {
            Ok(Undone::Voided) if row.tells_of_a_charge() => Err(GatewayError::unknown_charge().into()),
            Ok(Undone::Refunded { .. }) if was_refunded => Ok(Some(row)),
            Ok(undone) => {
                let change = Change::undone(&row, undone);
                if !self.note(&change).await? {
                    return Ok(None);
                }
                tracing::info!(order.id = %row.order_id, "the charge is undone at last");
                Ok(Some(change.into_record()))
            }
            Err(error @ GatewayError::RefundFailed(_)) if was_refunded => {
                if !self.note(&Change::by_hand(&row, PaymentStatus::RefundFailed)).await? {
                    return Ok(None);
                }
                report_failed_refund(row.order_id, None, &error);
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the row. Gives whether it was still as it was read.
    async fn note(&self, change: &Change) -> Result<bool, StoreError> {
        match self.store.write(change.write(&self.table)?).await {
            Ok(()) => Ok(true),
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        use GatewayError::{Busy, Open, RefundFailed, Refused};
        match error {
            RefundError::NoPayment => Self::not_found(),
            RefundError::NoRefund(_) | RefundError::Gateway(RefundFailed(_) | Refused(_)) => {
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
