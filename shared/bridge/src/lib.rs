//! Where messages come from off Lambda: table streams that are read in this process, and brokers that hand batches to
//! the functions, as the event source mappings of Lambda do.
//!
//! The functions see no difference: a batch is an `SqsEvent` in JSON, its answer a partial batch response.

pub mod memory;
mod runtime_table;
mod stream_reader;
mod target;

pub use runtime_table::{DeadLetterRow, PutOff, RUNTIME, RuntimeTable};
pub use stream_reader::{Position, StreamBatch, StreamError, StreamReader};
pub use target::{StreamTarget, Target, TargetError};
