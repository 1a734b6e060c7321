//! The relay off Lambda: polls table streams, hands their records to the relay's function, and keeps a cursor for each stream.

mod lease;
mod progress;
mod stream_event;
mod stream_poller;
mod wakeup;

pub use lease::{HeldLease, RelayLease, run_unless_suspended};
pub use progress::{Backlog, InFlight, StreamPollerStatus, StreamReads};
pub use stream_event::stream_event;
pub use stream_poller::{InFlightTracker, NothingInFlight, StreamPoller, StreamPollerError};
pub use wakeup::Wakeup;
