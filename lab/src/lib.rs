//! Measures a shop under load: throughput, latency, CPU time and memory. This is `orderflow bench`.
//!
//! The load generator places orders over HTTP (`load`), and watches the shop from outside (`observer`). When customers were notified is
//! read after the measurement (`notified`): the shop records it anyway. The temporary shop (`shop`) is also that of `orderflow demo`.
//!
//! `orderflow bill` counts what AWS bills (`bill`), and `orderflow sim` runs the system under simulated faults (`sim`).

mod args;
mod bill;
mod connection;
mod error;
mod interrupts;
mod load;
mod measurement;
mod notified;
mod observer;
mod plot;
mod processes;
mod report;
mod result;
mod scenario;
mod series;
mod shop;
pub mod sim;
mod statistics;
mod stored;
mod text;

pub use args::{BenchArgs, TemporaryPlan};
pub use bill::{Bill, BillArgs, BillError, bill};
pub use error::BenchError;
pub use measurement::run;
pub use processes::Role;
pub use result::{Measured, ProcessFigures};
pub use shop::{Folder, Shop};
pub use statistics::Quantiles;
