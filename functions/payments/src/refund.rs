//! Retries failed refunds on request of an operator.

use std::sync::Arc;

use orderflow_domain::OrderId;
use orderflow_http::{Problem, ProblemKind};
use orderflow_store::{Store, StoreError, Table, WriteError, optimistic_attempts};

use crate::decision::check_reversal;
use crate::execution::report_failed_refund;
use crate::gateway::{GatewayError, PaymentGateway, Reversal};
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};
use crate::update::PaymentUpdate;

/// The number of times that a refund is tried while other writers change the payment.
const ATTEMPTS: u32 = 4;

/// Retries refunds that failed.
#[derive(Clone)]
pub(crate) struct FailedRefunds {
    store: Store,
    table: Table,
    gateway: Arc<dyn PaymentGateway>,
}

/// A refund that was not tried, or failed again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefundError {
    #[error("the order has no payment")]
    NoPayment,
    #[error("the payment is {}; only a refund_failed or refunded payment can be refunded again", .0.as_str())]
    NoRefund(PaymentStatus),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("other writers changed the payment in every attempt")]
    Contended,
}

impl FailedRefunds {
    pub(crate) fn new(store: &Store, gateway: Arc<dyn PaymentGateway>) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS), gateway }
    }

    /// Retries the refund of a payment: one that failed, or one that the provider accepted and that may have failed since.
    /// Returns the payment's new row.
    ///
    /// # Errors
    /// [`RefundError`] if the charge may not be refunded in full.
    pub(crate) async fn retry(&self, order_id: OrderId) -> Result<PaymentRecord, RefundError> {
        let mut attempts = optimistic_attempts(ATTEMPTS);
        while attempts.next().await {
            let row: Option<PaymentRecord> = self.table.get(self.table.key(order_id.to_string())).await?;
            if let Some(refunded) = self.retry_once(row.ok_or(RefundError::NoPayment)?).await? {
                return Ok(refunded);
            }
        }
        Err(RefundError::Contended)
    }

    /// Tries the refund once. Returns `None` if another writer changed the row in the meantime.
    async fn retry_once(&self, row: PaymentRecord) -> Result<Option<PaymentRecord>, RefundError> {
        let was_refunded = match row.status {
            PaymentStatus::Refunded => true,
            PaymentStatus::RefundFailed => false,
            PaymentStatus::Voided => return Ok(Some(row)),
            other => return Err(RefundError::NoRefund(other)),
        };
        match self.reverse(&row).await {
            Ok(Reversal::Refunded { .. }) if was_refunded => Ok(Some(row)),
            Ok(reversal) => {
                let update = PaymentUpdate::reversed_without_request(&row, reversal);
                if !self.write(&update).await? {
                    return Ok(None);
                }
                tracing::info!(order.id = %row.order_id, "failed refund retried with success");
                Ok(Some(update.into_record()))
            }
            Err(error @ GatewayError::RefundFailed(_)) if was_refunded => {
                let update = PaymentUpdate::without_request(&row, PaymentStatus::RefundFailed);
                if !self.write(&update).await? {
                    return Ok(None);
                }
                report_failed_refund(row.order_id, None, &error);
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the gateway reverse the charge. A payment of 0 was never charged, so the gateway is not called.
    async fn reverse(&self, row: &PaymentRecord) -> Result<Reversal, GatewayError> {
        if row.amount == 0 {
            return Ok(Reversal::Voided);
        }
        let reversal = self.gateway.reverse(row.order_id, &row.total()).await?;
        check_reversal(Some(row), reversal)
    }

    /// Writes the row. Returns whether no other writer had changed it.
    async fn write(&self, update: &PaymentUpdate) -> Result<bool, StoreError> {
        match self.store.write(update.write(&self.table)?).await {
            Ok(()) => Ok(true),
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        use GatewayError::{Busy, NotCalled, RefundFailed, Refused};
        match error {
            RefundError::NoPayment => Self::not_found(),
            RefundError::NoRefund(_) | RefundError::Gateway(RefundFailed(_) | Refused(_)) => {
                Self::new(ProblemKind::PaymentNotRefundable, error.to_string())
            }
            RefundError::Gateway(NotCalled { retry_after, .. } | Busy { retry_after }) => {
                Self::unavailable(error).with_retry_after(retry_after)
            }
            RefundError::Gateway(_) | RefundError::Store(_) | RefundError::Contended => {
                Self::unavailable(error)
            }
        }
    }
}
