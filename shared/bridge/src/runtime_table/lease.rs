//! The lease of the relay, one row of the table.

use orderflow_store::{Item, StoreError, Value, Write, WriteError};
use serde::{Deserialize, Serialize};

use super::{RuntimeTable, unconditional};

/// The keys of the row.
const LEASE: (&str, &str) = ("lease", "outbox-relay");

/// Who relays the events of this store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseRow {
    pk: String,
    sk: String,
    /// The process that holds it.
    pub owner: String,
    /// The number of renewals by this owner, from 1 on.
    pub version: u32,
}

impl LeaseRow {
    pub(crate) fn new(owner: &str) -> Self {
        Self { pk: LEASE.0.to_owned(), sk: LEASE.1.to_owned(), owner: owner.to_owned(), version: 1 }
    }

    pub(crate) fn renewed(&self) -> Self {
        Self { version: self.version.wrapping_add(1), ..self.clone() }
    }
}

impl RuntimeTable {
    pub(crate) async fn lease(&self) -> Result<Option<LeaseRow>, StoreError> {
        self.table.get(self.lease_key()).await
    }

    /// Takes the lease if it is still as it was read. Returns whether it did.
    pub(crate) async fn take_lease(
        &self,
        row: &LeaseRow,
        found: Option<&LeaseRow>,
    ) -> Result<bool, StoreError> {
        let write = Write::put(&self.table, row)?;
        self.write_if(match found {
            None => write.if_absent(),
            Some(found) => owned_by(write, &found.owner).if_version(found.version),
        })
        .await
    }

    /// Renews the lease if its owner still has it. Returns whether it did.
    pub(crate) async fn renew_lease(&self, row: &LeaseRow) -> Result<bool, StoreError> {
        self.write_if(owned_by(Write::put(&self.table, row)?, &row.owner)).await
    }

    /// Deletes the lease if this owner has it.
    pub(crate) async fn release_lease(&self, owner: &str) -> Result<(), StoreError> {
        let delete = Write::delete(&self.table, self.lease_key());
        self.write_if(owned_by(delete, owner)).await.map(drop)
    }

    async fn write_if(&self, write: Write) -> Result<bool, StoreError> {
        match self.store.write(write).await {
            Ok(()) => Ok(true),
            Err(WriteError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(unconditional(error)),
        }
    }

    fn lease_key(&self) -> Item {
        self.table.key_with_range(LEASE.0, LEASE.1)
    }
}

fn owned_by(write: Write, owner: &str) -> Write {
    write.if_equals("owner", Value::S(owner.to_owned()))
}
