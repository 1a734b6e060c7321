//! A row as it is to become.

use orderflow_domain::{OrderId, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::{Emission, Outbox, StoreError, Table, Write};

use crate::gateway::Undone;
use crate::table::{PaymentRecord, PaymentStatus};
use crate::work::{Ask, Work};

/// A write of an order's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    record: PaymentRecord,
    /// The version that it replaces; none where there is no row yet.
    replaces: Option<u32>,
    resend: Option<u32>,
    /// What the delivery has come to when the row is written.
    outcome: Outcome,
}

impl Change {
    /// The row moves to another status, and tells of it.
    pub(crate) fn moved(row: Option<&PaymentRecord>, work: &Work, status: PaymentStatus) -> Self {
        let now = Timestamp::now();
        let mut record = row.cloned().unwrap_or_else(|| blank(work, now));
        record.set_status(status);
        record.updated_at = now;
        record.traceparent.clone_from(&work.traceparent);
        record.version += 1;
        if let Ask::CallOff(refusal) = &work.ask {
            record.refused = true;
            record.reason.clone_from(&refusal.reason);
            record.email = Some(refusal.email.clone());
            record.phone.clone_from(&refusal.phone);
        }
        Self { record, replaces: row.map(|row| row.version), resend: None, outcome: Outcome::Done }
    }

    /// The row stays as it is and tells again. The time of what it tells stays too.
    pub(crate) fn told_again(row: &PaymentRecord, work: &Work) -> Self {
        let record =
            PaymentRecord { version: row.version + 1, traceparent: work.traceparent.clone(), ..row.clone() };
        Self { record, replaces: Some(row.version), resend: work.resend, outcome: Outcome::Done }
    }

    /// The row moves to another status by somebody's hand.
    pub(crate) fn by_hand(row: &PaymentRecord, status: PaymentStatus) -> Self {
        let (updated_at, version) = (Timestamp::now(), row.version + 1);
        let mut record = PaymentRecord { updated_at, version, ..row.clone() };
        record.set_status(status);
        Self { record, replaces: Some(row.version), resend: None, outcome: Outcome::Done }
    }

    /// The row of a refund that was given up, now that its charge is undone after all.
    pub(crate) fn undone(row: &PaymentRecord, undone: Undone) -> Self {
        match undone {
            Undone::Refunded { provider_id } => {
                Self::by_hand(row, PaymentStatus::Refunded).with_provider_id(provider_id)
            }
            Undone::Voided => Self::by_hand(row, PaymentStatus::Voided),
        }
    }

    /// With the gateway's id of the charge.
    pub(crate) fn with_provider_id(mut self, provider_id: String) -> Self {
        self.record.provider_id = Some(provider_id);
        self
    }

    /// With the reason why the gateway said no.
    pub(crate) fn with_reason(mut self, reason: String) -> Self {
        self.record.reason = Some(reason);
        self
    }

    /// With what the delivery has come to where writing the row does not end it.
    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The write with the event that it causes.
    pub(crate) fn write(&self, table: &Table) -> Result<Write, StoreError> {
        let write = Write::put(table, &self.record)?;
        let write = match self.replaces {
            None => write.if_absent(),
            Some(version) => write.if_version(version),
        };
        let resend = self.resend;
        let emission = self.record.status.event_type();
        let outbox = emission.map(|event_type| Outbox::of(Emission { event_type, resend }));
        Ok(write.emitting(&outbox.unwrap_or_default()))
    }

    /// The row as it is written.
    pub(crate) fn into_record(self) -> PaymentRecord {
        self.record
    }

    /// What the delivery has come to when the row is written.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Logs what the row says now.
    pub(crate) fn log(&self, work: &Work) {
        let order_id: OrderId = self.record.order_id;
        let event_type = self.record.status.event_type();
        let message = match (self.record.status, self.resend) {
            (_, Some(_)) => "the payment is told again",
            (PaymentStatus::Claimed, _) if self.record.refused => "the charge is not called off yet",
            (PaymentStatus::Claimed, _) => "it is not known whether the order is charged",
            (PaymentStatus::Completed, _) => "the order is charged",
            (PaymentStatus::Failed, _) => "the charge is declined",
            (PaymentStatus::Voided, _) => "the order is called off without a charge",
            (PaymentStatus::Refunded, _) => "the charge is given back",
            (PaymentStatus::RefundFailed, _) => "the charge waits to be given back by hand",
        };
        tracing::info!(
            order.id = %order_id,
            event.r#type = event_type.map(|event_type| event_type.as_str()),
            trace.id = work.trace_id(),
            "{message}"
        );
    }
}

/// The row of an order that has none.
fn blank(work: &Work, now: Timestamp) -> PaymentRecord {
    PaymentRecord {
        order_id: work.order_id,
        status: PaymentStatus::Claimed,
        amount: work.total.amount,
        currency: work.total.currency.clone(),
        provider_id: None,
        reason: None,
        refused: false,
        listed: None,
        listed_at: None,
        email: None,
        phone: None,
        created_at: now,
        updated_at: now,
        version: 0,
        traceparent: None,
    }
}
