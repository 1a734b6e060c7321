//! The operations of DynamoDB and DynamoDB Streams that the embedded database serves, one row each.

use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::transact_write_items::{TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::actions::update_item::UpdateItemRequest;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tokens::Token;

/// The way by which a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    InProcess,
    Http,
}

/// Runs one request on the engine.
pub(crate) trait RunRequest {
    /// Parses the request, notes its footprint, runs the engine's `method`, and returns the response as JSON.
    fn run<Request: DeserializeOwned, Response: Serialize>(
        &self,
        footprint: fn(&mut Request, Caller) -> Footprint,
        method: fn(&dynoxide::Database, Request) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Vec<u8>>;
}

/// What dispatching a request needs to know about it besides its response.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// The tables that the request writes to if it succeeds.
    pub(crate) tables: Vec<String>,
    /// The number of actions of a transaction that writes.
    pub(crate) actions: Option<usize>,
    /// Identifies repeats of the same request.
    pub(crate) token: Option<Token>,
}

/// Makes [`Operation`] from the operations' names, the engine's methods, and the functions that return a request's [`Footprint`].
macro_rules! operations {
    ($($name:ident => $method:ident, $footprint:expr;)*) => {
        /// An operation that the embedded database serves.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation { $($name),* }

        impl Operation {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the name of the operation in DynamoDB's API.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Runs a request of this operation.
            pub(crate) fn run(self, request: &impl RunRequest) -> dynoxide::Result<Vec<u8>> {
                match self { $(Self::$name => request.run($footprint, dynoxide::Database::$method)),* }
            }
        }
    };
}

operations! {
    CreateTable => create_table, nothing;
    DescribeTable => describe_table, nothing;
    UpdateTable => update_table, nothing;
    DeleteTable => delete_table, nothing;
    ListTables => list_tables, nothing;
    UpdateTimeToLive => update_time_to_live, nothing;
    DescribeTimeToLive => describe_time_to_live, nothing;
    PutItem => put_item, |request: &mut PutItemRequest, _| table(&request.table_name);
    UpdateItem => update_item, |request: &mut UpdateItemRequest, _| table(&request.table_name);
    DeleteItem => delete_item, |request: &mut DeleteItemRequest, _| table(&request.table_name);
    GetItem => get_item, nothing;
    Query => query, nothing;
    Scan => scan, nothing;
    BatchGetItem => batch_get_item, nothing;
    BatchWriteItem => batch_write_item, batch;
    TransactGetItems => transact_get_items, nothing;
    TransactWriteItems => transact_write_items, transaction;
    ListStreams => list_streams, nothing;
    DescribeStream => describe_stream, nothing;
    GetShardIterator => get_shard_iterator, nothing;
    GetRecords => get_records, nothing;
}

impl Operation {
    /// Returns the operation that the header `x-amz-target` names, for example `DynamoDB_20120810.PutItem`.
    pub(crate) fn from_target(target: &str) -> Option<Self> {
        let name = target
            .strip_prefix("DynamoDB_20120810.")
            .or_else(|| target.strip_prefix("DynamoDBStreams_20120810."))?;
        Self::from_name(name)
    }
}

fn nothing<Request>(_: &mut Request, _: Caller) -> Footprint {
    Footprint::default()
}

fn table(name: &str) -> Footprint {
    Footprint { tables: vec![name.to_owned()], ..Footprint::default() }
}

fn batch(request: &mut BatchWriteItemRequest, _: Caller) -> Footprint {
    Footprint { tables: request.request_items.keys().cloned().collect(), ..Footprint::default() }
}

/// Takes the client request token out of the request, because [`crate::tokens`] handles it instead of the engine. A client in this
/// process never retries a request, so its token is dropped.
fn transaction(request: &mut TransactWriteItemsRequest, caller: Caller) -> Footprint {
    let name = request.client_request_token.take();
    let name = name.filter(|_| caller == Caller::Http);
    let mut tables: Vec<_> = request.transact_items.iter().filter_map(written).collect();
    tables.sort_unstable();
    tables.dedup();
    Footprint {
        tables: tables.into_iter().cloned().collect(),
        actions: Some(request.transact_items.len()),
        token: name.map(|name| Token::new(name, &request.transact_items)),
    }
}

fn written(action: &TransactWriteItem) -> Option<&String> {
    let put = action.put.as_ref().map(|put| &put.table_name);
    let update = action.update.as_ref().map(|update| &update.table_name);
    let delete = action.delete.as_ref().map(|delete| &delete.table_name);
    put.or(update).or(delete)
}
