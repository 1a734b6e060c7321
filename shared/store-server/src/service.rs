//! Which operation a request is, and what carries it out.

use std::sync::Arc;

use orderflow_store_port::{Backend, TableRef};
use serde_json::Value;

use crate::failure::Failure;
use crate::tables::{Definitions, Describe, TableDescription};
use crate::tokens::Tokens;
use crate::{read, streams, tables, transaction, write};

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

    /// Carries out a request. `target` is the header `x-amz-target`, for example `DynamoDB_20120810.PutItem`.
    pub(crate) async fn carry_out(&self, target: &str, body: &[u8]) -> Answer {
        match target.split_once('.') {
            Some(("DynamoDB_20120810", operation)) => match operation {
                "ListTables" => tables::list(self, body).await,
                "DescribeTable" => tables::describe(self, body),
                "CreateTable" => tables::create(self, body).await,
                "UpdateTable" => tables::update(self, body).await,
                "PutItem" => write::put(self, body).await,
                "UpdateItem" => write::update(self, body).await,
                "DeleteItem" => write::delete(self, body).await,
                "TransactWriteItems" => transaction::carry_out(self, body).await,
                "GetItem" => read::get(self, body).await,
                "BatchGetItem" => read::batch_get(self, body).await,
                "Query" => read::query(self, body).await,
                "Scan" => read::scan(self, body).await,
                _ => Err(unknown(operation)),
            },
            Some(("DynamoDBStreams_20120810", operation)) => match operation {
                "ListStreams" => streams::list(self, body).await,
                "DescribeStream" => streams::describe(self, body),
                "GetShardIterator" => streams::iterator(self, body),
                "GetRecords" => streams::records(self, body).await,
                _ => Err(unknown(operation)),
            },
            _ => Err(unknown(target)),
        }
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

fn unknown(operation: &str) -> Failure {
    let message = format!("{operation:?} is not an operation of orderflow store");
    Failure::new("UnknownOperationException", message)
}
