//! The batches of a stream that are published and not yet acknowledged. They bound how far the cursor may move.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Position;

/// Counts the messages of one batch of stream records that only the stream holds: they are neither acknowledged, nor stored as delayed
/// message or dead letter, nor confirmed by a broker.
#[derive(Debug, Default)]
pub struct InFlight(AtomicUsize);

impl InFlight {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn complete(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// The published batches of one stream that the cursor has not passed, oldest first.
#[derive(Debug, Default)]
pub(super) struct Progress {
    batches: VecDeque<(Position, Arc<InFlight>)>,
}

impl Progress {
    /// Adds a batch whose messages are all published.
    pub(super) fn published(&mut self, last: Position, in_flight: Arc<InFlight>) {
        self.batches.push_back((last, in_flight));
    }

    /// Removes the batches at the front that have no message in flight. Returns the new cursor if there were any.
    pub(super) fn advance(&mut self) -> Option<Position> {
        let mut cursor = None;
        while let Some((last, _)) = self.batches.pop_front_if(|(_, in_flight)| in_flight.is_empty()) {
            cursor = Some(last);
        }
        cursor
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(sequence_number: &str) -> Position {
        Position { shard: "s".to_owned(), sequence_number: sequence_number.to_owned() }
    }

    #[test]
    fn the_cursor_stops_before_the_oldest_batch_with_a_message_in_flight() {
        let (mut progress, batches) = (Progress::default(), [(); 3].map(|()| Arc::new(InFlight::default())));
        for (number, in_flight) in ["1", "2", "3"].into_iter().zip(&batches) {
            in_flight.add();
            progress.published(position(number), in_flight.clone());
        }
        batches[1].complete();
        batches[2].complete();
        assert_eq!(progress.advance(), None);
        batches[0].complete();
        assert_eq!(progress.advance(), Some(position("3")));
        assert!(progress.is_empty());
    }
}
