//! How far a stream is dealt with: its low-water mark.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Position;

/// Counts the messages of one batch of stream records that are kept nowhere but in the stream: neither done, nor in a row of their
/// own, nor confirmed by a broker.
#[derive(Debug, Default)]
pub struct InFlight(AtomicUsize);

impl InFlight {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn complete(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// The batches of one stream that are not behind the mark yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Progress {
    batches: VecDeque<(Position, Arc<InFlight>)>,
}

impl Progress {
    /// A batch whose messages are all published.
    pub(super) fn published(&mut self, last: Position, in_flight: Arc<InFlight>) {
        self.batches.push_back((last, in_flight));
    }

    /// Moves the mark past the batches that are over, and gives its new place if it moved.
    pub(super) fn advance(&mut self) -> Option<Position> {
        let mut mark = None;
        while let Some((last, _)) = self.batches.pop_front_if(|(_, in_flight)| in_flight.is_over()) {
            mark = Some(last);
        }
        mark
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
    fn the_mark_stops_before_the_oldest_batch_that_is_not_over() {
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
