//! The operations of DynamoDB and DynamoDB Streams that are served: one row each.

use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::transact_write_items::{TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::actions::update_item::UpdateItemRequest;

use crate::dispatch::{Call, Caller};
use crate::tokens::Token;

/// What must be known about a request beside its answer.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// The tables it writes to when it succeeds.
    pub(crate) tables: Vec<String>,
    /// The number of actions, when it is a transaction that writes.
    pub(crate) actions: Option<usize>,
    /// Tells its repeats.
    pub(crate) token: Option<Token>,
}

/// From names of operations and of the engine's methods, with how to find out what a request writes.
macro_rules! operations {
    ($($name:ident => $method:ident, $footprint:expr;)*) => {
        /// An operation that is served.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation { $($name),* }

        impl Operation {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The name that requests carry.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Reads the request, runs it and returns the JSON answer.
            pub(crate) fn run(self, call: &Call<'_>) -> dynoxide::Result<Vec<u8>> {
                match self { $(Self::$name => call.run($footprint, dynoxide::Database::$method)),* }
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
    /// Reads the header `x-amz-target`, for example `DynamoDB_20120810.PutItem`.
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

/// Takes the token away from the engine, see [`crate::tokens`]. A client in this process has its retries turned off and
/// never sends one twice, so there it is dropped.
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
