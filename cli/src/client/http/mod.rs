//! HTTP of the client commands: building a request, sending it with retries, reading the response.

mod api;
mod backoff;
mod problem;
mod request;
mod response;

pub(crate) use api::Api;
pub(crate) use backoff::{Backoff, jittered};
pub use problem::Problem;
pub(crate) use request::{ApiRequest, IdempotencyKey, PathSegment};
pub(crate) use response::ApiResponse;
