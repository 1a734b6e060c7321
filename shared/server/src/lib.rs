//! The HTTP/1.1 server of every listener of the program: deadlines for slow clients, and a limit on connections.
//!
//! [`Server::serve`] accepts connections and supervises each. The head of a request, the pause between requests and the taking of an
//! answer have deadlines, after which the connection is closed. At the limit of connections, one that waits for its client is closed for
//! a new one; if there is none, the new connection is answered 503. An error of `accept` never ends the server.
//!
//! [`with_deadlines`] belongs in front of the routes, inside of the layer that logs and counts requests: it bounds the arrival of a
//! body and the time of the handler, and answers with a problem. [`with_deadlines_and_limit`] also bounds how many requests are in flight.
//!
//! [`RateLimits`] bounds how many requests a caller may send.
//!
//! HTTP/2 is not served: no client of this API needs it, and its streams, resets and header tables would need limits of their own.

mod activity;
mod connection;
mod connections;
mod deadlines;
mod framing;
mod in_flight;
mod process_limit;
mod rate_limit;
mod refusal;
mod request_deadline;
mod server;
mod stream;
mod timed_body;

pub use deadlines::Deadlines;
pub use rate_limit::RateLimits;
pub use request_deadline::{with_deadlines, with_deadlines_and_limit};
pub use server::Server;
