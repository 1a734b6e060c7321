//! What an order's key at Stripe was claimed for.

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::table::PAYMENTS;

/// Keeps claims apart from payments, whose keys are orders' ids.
const KEY_PREFIX: &str = "stripe#";

/// What an order's key is claimed for, once and for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub(super) enum Claim {
    /// This intent, and no other, may be confirmed.
    Charge {
        /// Its id at Stripe.
        intent: String,
        /// Why it is to be canceled: it was declined, and could be charged all the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        declined: Option<String>,
    },
    /// No intent may ever be confirmed: the order is called off.
    CalledOff,
    /// No intent may ever be confirmed: Stripe made none for this means of payment.
    Declined {
        /// Why.
        reason: String,
    },
}

impl Claim {
    /// Whether this intent may be confirmed.
    pub(super) fn is_for(&self, asked: &str) -> bool {
        matches!(self, Self::Charge { intent, .. } if intent == asked)
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    pk: String,
    #[serde(flatten)]
    claim: Claim,
    created_at: Timestamp,
}

/// The claims, one line for each order, in the table of payments.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    store: Store,
    table: Table,
}

impl Claims {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&PAYMENTS) }
    }

    /// The claim of an order; none where it has none yet.
    pub(super) async fn find(&self, order_id: OrderId) -> Result<Option<Claim>, StoreError> {
        let line: Option<Line> = self.table.get(self.table.key(key(order_id))).await?;
        Ok(line.map(|line| line.claim))
    }

    /// Claims the order's key unless it is claimed. Gives the claim that holds then.
    pub(super) async fn enter(&self, order_id: OrderId, claim: Claim) -> Result<Claim, StoreError> {
        let line = Line::of(order_id, claim);
        let write = Write::put(&self.table, &line)?.if_absent();
        match self.store.write(write).await {
            Ok(()) => Ok(line.claim),
            Err(WriteError::ConditionFailed(Some(item))) => Ok(self.table.parse::<Line>(*item)?.claim),
            // Claims are never deleted, so it is there.
            Err(WriteError::ConditionFailed(None)) => Ok(self.find(order_id).await?.unwrap_or(line.claim)),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Notes why the intent that the order's key is claimed for is going to be canceled.
    pub(super) async fn note_decline(
        &self,
        order_id: OrderId,
        intent: &str,
        reason: &str,
    ) -> Result<(), WriteError> {
        let declined = Some(reason.to_owned());
        let line = Line::of(order_id, Claim::Charge { intent: intent.to_owned(), declined });
        // Whatever else was noted meanwhile is of the same intent.
        self.store.write(Write::put(&self.table, &line)?).await
    }
}

impl Line {
    fn of(order_id: OrderId, claim: Claim) -> Self {
        Self { pk: key(order_id), claim, created_at: Timestamp::now() }
    }
}

fn key(order_id: OrderId) -> String {
    format!("{KEY_PREFIX}{order_id}")
}
