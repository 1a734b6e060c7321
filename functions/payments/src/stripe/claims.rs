//! The claim of each order's key, which decides which PaymentIntent may be confirmed.

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::table::PAYMENTS;

/// The prefix that separates the keys of claims from those of payments, which are order ids.
const KEY_PREFIX: &str = "stripe#";

/// What an order's key is claimed for. The kind of a claim never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub(super) enum Claim {
    /// Only this intent may be confirmed.
    Charge {
        /// Its id at Stripe.
        intent: String,
        /// Why the charge is declined, if the intent has to be canceled because it could still be charged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        declined: Option<String>,
    },
    /// No intent may ever be confirmed, because the order's payment was reversed first.
    #[serde(alias = "called_off")]
    Voided,
    /// No intent may ever be confirmed, because Stripe created none for this payment method.
    Declined {
        /// The reason, as a stable code.
        reason: String,
    },
}

impl Claim {
    /// Returns whether this intent may be confirmed.
    pub(super) fn is_for(&self, intent_id: &str) -> bool {
        matches!(self, Self::Charge { intent, .. } if intent == intent_id)
    }
}

#[derive(Serialize, Deserialize)]
struct ClaimRecord {
    pk: String,
    #[serde(flatten)]
    claim: Claim,
    created_at: Timestamp,
}

/// The claims, one for each order, in the table `payments`.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    store: Store,
    table: Table,
}

impl Claims {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS) }
    }

    /// Reads the claim of an order.
    pub(super) async fn find(&self, order_id: OrderId) -> Result<Option<Claim>, StoreError> {
        let record: Option<ClaimRecord> = self.table.get(self.table.key(key(order_id))).await?;
        Ok(record.map(|record| record.claim))
    }

    /// Claims an order's key unless it is claimed. Returns the claim that the key has then.
    pub(super) async fn claim(&self, order_id: OrderId, claim: Claim) -> Result<Claim, StoreError> {
        let record = ClaimRecord::of(order_id, claim);
        let write = Write::put(&self.table, &record)?.if_absent();
        match self.store.write(write).await {
            Ok(()) => Ok(record.claim),
            Err(WriteError::ConditionFailed(Some(item))) => Ok(self.table.parse::<ClaimRecord>(*item)?.claim),
            // Claims are never deleted, so the read finds it.
            Err(WriteError::ConditionFailed(None)) => Ok(self.find(order_id).await?.unwrap_or(record.claim)),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Records why the intent of a claim is declined and will be canceled.
    pub(super) async fn record_decline(
        &self,
        order_id: OrderId,
        intent: &str,
        reason: &str,
    ) -> Result<(), WriteError> {
        let declined = Some(reason.to_owned());
        let record = ClaimRecord::of(order_id, Claim::Charge { intent: intent.to_owned(), declined });
        // A reason that another worker records at the same time is of the same intent, so either may stay.
        self.store.write(Write::put(&self.table, &record)?).await
    }
}

impl ClaimRecord {
    fn of(order_id: OrderId, claim: Claim) -> Self {
        Self { pk: key(order_id), claim, created_at: Timestamp::now() }
    }
}

fn key(order_id: OrderId) -> String {
    format!("{KEY_PREFIX}{order_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_under_its_former_name_is_read() {
        let claim: Claim = serde_json::from_str(r#"{"claim": "called_off"}"#).unwrap();
        assert_eq!(claim, Claim::Voided);
        assert_eq!(serde_json::to_string(&claim).unwrap(), r#"{"claim":"voided"}"#);
    }
}
