//! Receives Stripe's events: what happens to a payment after Stripe has answered, or without an answer.
//!
//! An event only says where to look. Stripe's API is asked for the present state, so that events that arrive twice, late or in another order
//! change nothing wrongly.

mod notice;
mod signature;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use orderflow_domain::{OrderId, Timestamp};
use orderflow_http::{Problem, ProblemKind};
use orderflow_store::{Store, StoreError, Table, WriteError, optimistic_attempts};

use super::StripeGateway;
use crate::execution::report_failed_refund;
use crate::gateway::{Charge, GatewayError, PaymentGateway};
use crate::table::{Dispute, PAYMENTS, PaymentRecord, PaymentStatus};
use crate::update::PaymentUpdate;
use notice::{Notice, StripeEvent};

pub(super) use notice::Metadata;
pub use signature::WebhookSecret;

/// The path that Stripe sends its events to.
pub const STRIPE_WEBHOOK: &str = "/webhooks/stripe";

/// The number of times that an event is applied while other writers change the payment.
const ATTEMPTS: u32 = 4;

/// Returns the route of Stripe's events.
pub(crate) fn router(store: &Store, gateway: StripeGateway, secret: WebhookSecret) -> Router {
    let webhook = Webhook { store: store.clone(), table: store.table(&PAYMENTS), gateway, secret };
    Router::new().route(STRIPE_WEBHOOK, post(receive)).with_state(webhook)
}

#[derive(Clone)]
struct Webhook {
    store: Store,
    table: Table,
    gateway: StripeGateway,
    secret: WebhookSecret,
}

#[derive(Debug, thiserror::Error)]
enum WebhookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("other writers changed the payment in every attempt")]
    Contended,
}

/// Receives an event. Any other answer than 2xx makes Stripe send it again, for up to three days.
async fn receive(
    State(webhook): State<Webhook>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let verified = webhook.secret.verify(signature.unwrap_or_default(), &body, Timestamp::now());
    verified.map_err(|error| Problem::new(ProblemKind::InvalidSignature, error.to_string()))?;
    let event: StripeEvent = serde_json::from_slice(&body)
        .map_err(|_| Problem::new(ProblemKind::MalformedRequest, "The body is not an event of Stripe."))?;
    webhook.apply(event).await.map_err(Problem::unavailable)?;
    Ok(StatusCode::OK)
}

impl Webhook {
    async fn apply(&self, event: StripeEvent) -> Result<(), WebhookError> {
        let id = event.id.clone();
        let notice = event.notice();
        let Some(order_id) = self.order_of(&notice).await? else { return Ok(()) };
        let mut attempts = optimistic_attempts(ATTEMPTS);
        while attempts.next().await {
            if self.apply_once(order_id, &notice, &id).await? {
                return Ok(());
            }
        }
        Err(WebhookError::Contended)
    }

    async fn order_of(&self, notice: &Notice) -> Result<Option<OrderId>, GatewayError> {
        match notice {
            Notice::Charged { order_id } | Notice::Refund { order_id: Some(order_id), .. } => {
                Ok(Some(*order_id))
            }
            Notice::Refund { order_id: None, intent } | Notice::Dispute { intent, .. } => {
                self.gateway.order_of(intent).await
            }
            Notice::Other => Ok(None),
        }
    }

    /// Changes a payment unless this event has changed it before. Returns `false` if another writer changed it in the meantime. A payment without
    /// a row is still being charged: its delivery will find the charge.
    async fn apply_once(
        &self,
        order_id: OrderId,
        notice: &Notice,
        event: &str,
    ) -> Result<bool, WebhookError> {
        let row: Option<PaymentRecord> = self.table.get(self.table.key(order_id.to_string())).await?;
        let Some(row) = row.filter(|row| !row.has_applied(event)) else { return Ok(true) };
        let update = match notice {
            Notice::Charged { .. } => self.charged(&row).await?,
            Notice::Refund { intent, .. } => self.refunded(&row, intent).await?,
            Notice::Dispute { intent, dispute } => disputed(&row, intent, dispute),
            Notice::Other => None,
        };
        let Some(update) = update.map(|update| update.caused_by(event)) else { return Ok(true) };
        match self.store.write(update.write(&self.table)?).await {
            Ok(()) => {
                report(&row, &update.into_record(), event);
                Ok(true)
            }
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// A charge whose answer was lost is known now. One of an order that was refused meanwhile is reversed.
    async fn charged(&self, row: &PaymentRecord) -> Result<Option<PaymentUpdate>, GatewayError> {
        match (row.status, row.refused) {
            (PaymentStatus::Unknown, false) => Ok(match self.gateway.find(row.order_id).await? {
                Some(Charge::Captured { provider_id }) => {
                    let update = PaymentUpdate::without_request(row, PaymentStatus::Completed);
                    Some(update.with_provider_id(provider_id))
                }
                Some(Charge::Declined { reason }) => {
                    Some(PaymentUpdate::without_request(row, PaymentStatus::Failed).with_reason(reason))
                }
                Some(Charge::Reversed) | None => None,
            }),
            (PaymentStatus::Voided, _) => match self.gateway.find(row.order_id).await? {
                Some(Charge::Captured { .. }) => {
                    let reversal = self.gateway.reverse(row.order_id, &row.total()).await?;
                    Ok(Some(PaymentUpdate::reversed_without_request(row, reversal)))
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// A refund that Stripe accepted has failed since.
    async fn refunded(
        &self,
        row: &PaymentRecord,
        intent: &str,
    ) -> Result<Option<PaymentUpdate>, GatewayError> {
        let is_ours = row.provider_id.as_deref() == Some(intent);
        if row.status != PaymentStatus::Refunded || !is_ours || self.gateway.is_refunded(intent).await? {
            return Ok(None);
        }
        Ok(Some(PaymentUpdate::without_request(row, PaymentStatus::RefundFailed)))
    }
}

/// Records a dispute, unless a later state of it is recorded.
fn disputed(row: &PaymentRecord, intent: &str, dispute: &Dispute) -> Option<PaymentUpdate> {
    let is_ours = row.provider_id.as_deref() == Some(intent);
    let is_later = row.dispute.as_ref().is_none_or(|known| known.updated_at <= dispute.updated_at);
    (is_ours && is_later).then(|| PaymentUpdate::disputed(row, dispute.clone()))
}

fn report(before: &PaymentRecord, after: &PaymentRecord, event: &str) {
    let order_id = after.order_id;
    if after.status == PaymentStatus::RefundFailed {
        let error = GatewayError::RefundFailed(
            "Stripe reports that a refund failed after it was accepted".to_owned(),
        );
        return report_failed_refund(order_id, None, &error);
    }
    if let Some(dispute) = after.dispute.as_ref().filter(|dispute| before.dispute.as_ref() != Some(dispute)) {
        if before.dispute.is_none() {
            metrics::counter!("disputes_opened_total").increment(1);
        }
        tracing::warn!(
            order.id = %order_id,
            dispute.id = dispute.id,
            dispute.status = dispute.status,
            dispute.reason = dispute.reason,
            "charge disputed"
        );
        return;
    }
    tracing::info!(order.id = %order_id, status = after.status.as_str(), stripe.event = event, "payment updated by Stripe");
}
