//! How long a client may take.

use std::time::Duration;

/// How long each step of a connection may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For the line and the headers of a request, from the start of the connection. On a connection that had a request, from their first byte,
    /// or from the answer if they began before it.
    pub head: Duration,
    /// For the body of a request, from the end of its head.
    pub body: Duration,
    /// For the handler, without the time in which it waits for the body. API Gateway waits 30 s for a function.
    pub handler: Duration,
    /// For the client to take an answer that the kernel cannot buffer.
    pub taking: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            handler: Duration::from_secs(20),
            taking: Duration::from_secs(30),
            idle: Duration::from_secs(75),
        }
    }
}
