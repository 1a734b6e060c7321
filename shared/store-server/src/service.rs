//! What the operations work with.

use std::sync::Arc;

use orderflow_store_port::{Backend, TableRef};
use serde_json::Value;

use crate::definition::{Definitions, Describe, TableDescription};
use crate::failure::Failure;
use crate::tokens::Tokens;

/// The answer of an operation, as JSON.
pub(crate) type Answer = Result<Value, Failure>;

/// The store behind the protocol.
pub(crate) struct Service {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) tokens: Tokens,
    describe: Arc<dyn Describe>,
    definitions: Definitions,
}

impl Service {
    pub(crate) fn new(backend: Arc<dyn Backend>, describe: Arc<dyn Describe>) -> Self {
        Self { backend, tokens: Tokens::default(), describe, definitions: Definitions::default() }
    }

    /// Returns the definition of a table, or `None` if it does not exist.
    pub(crate) fn described(&self, name: &str) -> Option<TableDescription> {
        self.describe.describe(name)
    }

    /// Returns an existing table.
    pub(crate) fn table(&self, name: &str) -> Result<TableRef, Failure> {
        let description = self.described(name).ok_or_else(|| Failure::unknown_table(name))?;
        Ok(self.defined(name, &description))
    }

    /// Returns a table with this definition, which need not exist.
    pub(crate) fn defined(&self, name: &str, description: &TableDescription) -> TableRef {
        TableRef { name: name.into(), definition: self.definitions.intern(name, description) }
    }
}
