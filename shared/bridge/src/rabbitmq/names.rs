//! What things are called on the broker, and the ladder of delays.

use std::time::Duration;

/// The topic exchange that events are published to, under their type as routing key.
pub const EXCHANGE: &str = "orderflow.events";

/// The delays that a message can be put off by: one queue each, since messages with different times to live in one queue wait for the
/// one in front.
pub(super) const LADDER: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// The queue of a consumer.
pub fn queue(consumer: &str) -> String {
    format!("orderflow.{consumer}")
}

/// The dead letters of a consumer.
pub fn dead_letter_queue(consumer: &str) -> String {
    format!("orderflow.{consumer}.dlq")
}

/// The queue in which messages of a consumer wait for this long.
pub(super) fn delay_queue(consumer: &str, delay: Duration) -> String {
    format!("orderflow.{consumer}.delay.{}ms", delay.as_millis())
}

/// The rung for a delay: the longest that is not longer, or the shortest there is. The delay's jitter is what spreads messages over rungs.
pub(super) fn rung(delay: Duration) -> Duration {
    LADDER.into_iter().rev().find(|rung| *rung <= delay).unwrap_or(LADDER[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_never_longer_than_asked_for_unless_it_is_the_first() {
        for (delay, expected) in
            [(0, 250), (249, 250), (250, 250), (999, 250), (1_000, 1_000), (29_999, 5_000)]
        {
            assert_eq!(rung(Duration::from_millis(delay)), Duration::from_millis(expected), "{delay}");
        }
        assert_eq!(rung(Duration::from_secs(86_400)), Duration::from_secs(120));
    }
}
