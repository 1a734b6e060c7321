//! A clock for delays that does not follow the wall clock when that is set.

use orderflow_domain::Timestamp;
use tokio::time::Instant;

/// A clock that starts at the time of the wall clock and then runs evenly. A message that is delayed by a minute is due after a minute, also if
/// the wall clock is set back by an hour meanwhile.
#[derive(Debug)]
pub(super) struct SteadyClock {
    wall: Timestamp,
    started: Instant,
}

impl SteadyClock {
    pub(super) fn start() -> Self {
        Self { wall: Timestamp::now(), started: Instant::now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.wall.plus(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_does_not_follow_the_wall_clock() {
        let clock = SteadyClock::start();
        let start = clock.now();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(90));
    }
}
