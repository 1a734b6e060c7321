//! The next version of a payment's row, and the event that it emits.

use orderflow_bugs::is_planted;
use orderflow_domain::{OrderId, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::{Emission, Outbox, StoreError, Table, Write};

use crate::gateway::Reversal;
use crate::request::{PaymentRequest, RequestedAction};
use crate::table::{Dispute, PaymentRecord, PaymentStatus};

/// The next version of a payment's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentUpdate {
    record: PaymentRecord,
    /// The version that it replaces; `None` for a new row.
    replaces: Option<u32>,
    resend: Option<u32>,
    /// The outcome of the delivery once the row is written.
    outcome: Outcome,
    /// Whether the write emits the event of the status.
    emits: bool,
}

impl PaymentUpdate {
    /// Changes the status of an order's payment, or creates its row.
    pub(crate) fn status(
        row: Option<&PaymentRecord>,
        request: &PaymentRequest,
        status: PaymentStatus,
    ) -> Self {
        let now = Timestamp::now();
        let mut record = row.cloned().unwrap_or_else(|| new_record(request, now));
        record.set_status(status);
        record.updated_at = now;
        record.traceparent.clone_from(&request.traceparent);
        record.version += 1;
        if let RequestedAction::Reverse(refusal) = &request.action {
            record.refused = true;
            record.reason.clone_from(&refusal.reason);
            record.email.clone_from(&refusal.email);
            record.phone.clone_from(&refusal.phone);
        }
        Self {
            record,
            replaces: row.map(|row| row.version),
            resend: None,
            outcome: Outcome::Done,
            emits: true,
        }
    }

    /// Emits the event of the row again. `updated_at` stays, so that the event keeps its time.
    pub(crate) fn resend(row: &PaymentRecord, request: &PaymentRequest) -> Self {
        let record = PaymentRecord {
            version: row.version + 1,
            traceparent: request.traceparent.clone(),
            ..row.clone()
        };
        Self {
            record,
            replaces: Some(row.version),
            resend: request.resend,
            outcome: Outcome::Done,
            emits: true,
        }
    }

    /// Changes the status of a payment without an event of its order: on request of an operator, or because the provider reports it.
    pub(crate) fn without_request(row: &PaymentRecord, status: PaymentStatus) -> Self {
        let (updated_at, version) = (Timestamp::now(), row.version + 1);
        let mut record = PaymentRecord { updated_at, version, ..row.clone() };
        record.set_status(status);
        Self { record, replaces: Some(row.version), resend: None, outcome: Outcome::Done, emits: true }
    }

    /// Records a reversal that no event of the order requested.
    pub(crate) fn reversed_without_request(row: &PaymentRecord, reversal: Reversal) -> Self {
        match reversal {
            Reversal::Refunded { provider_id } => {
                Self::without_request(row, PaymentStatus::Refunded).with_provider_id(provider_id)
            }
            Reversal::Voided => Self::without_request(row, PaymentStatus::Voided),
        }
    }

    /// Records a dispute about the charge. The payment keeps its status, so no event is emitted.
    pub(crate) fn disputed(row: &PaymentRecord, dispute: Dispute) -> Self {
        let record = PaymentRecord { dispute: Some(dispute), version: row.version + 1, ..row.clone() };
        Self { record, replaces: Some(row.version), resend: None, outcome: Outcome::Done, emits: false }
    }

    /// Remembers the event of the provider that caused the update.
    pub(crate) fn caused_by(mut self, event: &str) -> Self {
        self.record.remember(event);
        self
    }

    /// Sets the provider's id of the charge.
    pub(crate) fn with_provider_id(mut self, provider_id: String) -> Self {
        self.record.provider_id = Some(provider_id);
        self
    }

    /// Sets the reason why the provider declined the charge.
    pub(crate) fn with_reason(mut self, reason: String) -> Self {
        self.record.reason = Some(reason);
        self
    }

    /// Sets the outcome of a delivery that is not done when the row is written.
    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Returns the write of the row, with the event that it emits.
    pub(crate) fn write(&self, table: &Table) -> Result<Write, StoreError> {
        let write = Write::put(table, &self.record)?;
        let write = match self.replaces {
            None if is_planted("payment-overwritten") => write,
            None => write.if_absent(),
            Some(_) if is_planted("payment-version-ignored") => write,
            Some(version) => write.if_version(version),
        };
        let resend = self.resend;
        let emission = self.record.status.event_type().filter(|_| self.emits);
        let outbox = emission.map(|event_type| Outbox::of(Emission { event_type, resend }));
        Ok(write.emitting(&outbox.unwrap_or_default()))
    }

    /// Returns the row.
    pub(crate) fn into_record(self) -> PaymentRecord {
        self.record
    }

    /// Returns the outcome of the delivery once the row is written.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Logs the row once it is written.
    pub(crate) fn log(&self, request: &PaymentRequest) {
        let order_id: OrderId = self.record.order_id;
        let event_type = self.record.status.event_type();
        let message = match (self.record.status, self.resend) {
            (_, Some(_)) => "payment event resent",
            (PaymentStatus::Unknown, _) if self.record.refused => "reversal not completed yet",
            (PaymentStatus::Unknown, _) => "charge outcome unknown",
            (PaymentStatus::Completed, _) if self.record.amount == 0 => "order needs no charge",
            (PaymentStatus::Completed, _) => "order charged",
            (PaymentStatus::Failed, _) => "charge declined",
            (PaymentStatus::Voided, _) => "payment voided",
            (PaymentStatus::Refunded, _) => "charge refunded",
            (PaymentStatus::RefundFailed, _) => "payment needs a manual refund",
        };
        tracing::info!(
            order.id = %order_id,
            event.r#type = event_type.map(|event_type| event_type.as_str()),
            trace.id = request.trace_id(),
            "{message}"
        );
    }
}

/// Returns the row of an order that has none yet.
fn new_record(request: &PaymentRequest, now: Timestamp) -> PaymentRecord {
    PaymentRecord {
        order_id: request.order_id,
        status: PaymentStatus::Unknown,
        amount: request.total.amount,
        currency: request.total.currency.clone(),
        provider_id: None,
        reason: None,
        refused: false,
        listed: None,
        listed_at: None,
        email: None,
        phone: None,
        dispute: None,
        provider_events: Vec::new(),
        created_at: now,
        updated_at: now,
        version: 0,
        traceparent: None,
    }
}
