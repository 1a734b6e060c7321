//! The names of exchange and queues on the broker, and the delay tiers.

use std::time::Duration;

/// The topic exchange that events are published to, with their type as routing key.
pub const EXCHANGE: &str = "orderflow.events";

/// The delays that a retry can have. Each has a queue of its own: RabbitMQ expires messages only at the head of a queue, so in a shared queue
/// a short delay would wait behind a long one.
pub(super) const DELAY_TIERS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// Returns the name of a consumer's queue.
pub fn queue(consumer: &str) -> String {
    format!("orderflow.{consumer}")
}

/// Returns the name of a consumer's dead-letter queue.
pub fn dead_letter_queue(consumer: &str) -> String {
    format!("orderflow.{consumer}.dlq")
}

/// Returns the name of the queue in which messages of a consumer wait for `delay`.
pub(super) fn delay_queue(consumer: &str, delay: Duration) -> String {
    format!("orderflow.{consumer}.delay.{}ms", delay.as_millis())
}

/// Returns the tier for a delay: the longest tier that does not exceed it, or else the shortest tier. The jitter of the delay spreads
/// messages over the tiers.
pub(super) fn tier(delay: Duration) -> Duration {
    DELAY_TIERS.into_iter().rev().find(|tier| *tier <= delay).unwrap_or(DELAY_TIERS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_never_exceeds_the_delay_except_the_first() {
        for (delay, expected) in
            [(0, 250), (249, 250), (250, 250), (999, 250), (1_000, 1_000), (29_999, 5_000)]
        {
            assert_eq!(tier(Duration::from_millis(delay)), Duration::from_millis(expected), "{delay}");
        }
        assert_eq!(tier(Duration::from_secs(86_400)), Duration::from_secs(120));
    }
}
