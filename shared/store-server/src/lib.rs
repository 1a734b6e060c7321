//! DynamoDB's protocol over HTTP, in front of a store in this process: for several processes and bundles of one machine.
//!
//! It serves the operations and expressions that the backend over the AWS SDK sends (`shared/store/src/dynamodb`), and what boto3 and the AWS CLI need to
//! list, read and query tables. Requests are parsed strictly: an operation, a parameter or an expression that is not among them is refused with its
//! name, so that nothing is silently done in another way than DynamoDB would.
//!
//! Like other local implementations of DynamoDB it does not check signatures: every process that can connect can read and write.

mod definition;
mod dispatch;
mod expression;
mod failure;
mod http;
mod names;
mod read;
mod request;
mod service;
mod streams;
mod tables;
mod tokens;
mod transaction;
mod write;

pub use definition::{Describe, IndexDescription, TableDescription};
pub use http::{ERASE_REMNANTS, HEALTHY, REPLACE_IN_STREAMS, router};
