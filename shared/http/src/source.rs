//! The address that a request comes from.

use std::net::IpAddr;

/// The address that a request comes from: behind a trusted proxy the one that the proxy names. An extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source(pub IpAddr);
