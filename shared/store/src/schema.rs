//! Compares the tables of a store with their definitions, and creates what is missing.

use crate::{Store, StoreError, TableDefinition, TableState};

impl Store {
    /// Compares tables with their definitions. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn table_states(
        &self,
        definitions: &[&'static TableDefinition],
    ) -> Result<Vec<TableState>, StoreError> {
        let mut states = Vec::new();
        for definition in definitions {
            states.push(self.backend.table_state(&self.table(definition).table).await?);
        }
        Ok(states)
    }

    /// Creates missing tables, and adds missing indexes and streams to existing ones. Deletes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store refuses, or a table does not become active within a minute.
    pub async fn create_missing_tables(
        &self,
        definitions: &[&'static TableDefinition],
    ) -> Result<(), StoreError> {
        for definition in definitions {
            self.backend.create_missing(&self.table(definition).table).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
