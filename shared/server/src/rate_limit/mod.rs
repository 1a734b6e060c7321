//! How many requests a caller may send.

mod buckets;
mod forwarded;
mod layer;
mod network;
mod settings;

pub use layer::RateLimits;
