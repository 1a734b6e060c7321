//! The relay off Lambda: polls table streams, hands their records to the relay's function, and keeps a cursor for each stream.

mod lease;
mod progress;
mod stream_poller;
mod stream_reader;
mod wakeup;

pub use lease::{HeldLease, RelayLease, run_unless_suspended};
pub use progress::{Backlog, InFlight, Position, PositionError, StreamPollerStatus, StreamReads};
pub use stream_poller::{
    InFlightTracker, NoTrimmer, NothingInFlight, StreamPoller, StreamPollerError, StreamTrimmer,
};
pub use stream_reader::{StreamBatch, StreamError, StreamReader};
pub use wakeup::Wakeup;
