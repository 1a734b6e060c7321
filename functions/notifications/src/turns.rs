//! Turns: a process hands one message at a time to its provider.
//!
//! From the moment when a message is handed over completely until it is recorded as sent, no process can know whether the provider has accepted it: if
//! the process is killed in between, the message has to be sent again. With one turn at a time, a killed process repeats one message at
//! most. Connecting, signing in and addressing need no turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// The longest time for which a message keeps the others waiting. A provider that takes longer to answer for one recipient must not delay all
/// others; until it answers, a killed process may repeat that message too.
const TURN_MAX: Duration = Duration::from_secs(1);

/// The message was not handed to its provider, because its claim may expire before the provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message was not sent in time")]
pub struct TooLate;

/// The turns of a process.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Returns the turn of a message that is not handed over later than `start_by`.
    pub(crate) fn turn(&self, start_by: Instant) -> Turn {
        Turn { turns: Some(self.0.clone()), start_by, taken: None }
    }
}

/// The turn of one message, which ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    /// `None` if the message needs no turn.
    turns: Option<Arc<Semaphore>>,
    start_by: Instant,
    taken: Option<oneshot::Sender<()>>,
}

impl Turn {
    /// Returns the turn of a message that does not wait for others.
    pub(crate) fn free(start_by: Instant) -> Self {
        Self { turns: None, start_by, taken: None }
    }

    /// Waits until the message may be handed over. A channel calls it immediately before the step after which its provider may have accepted the
    /// message.
    ///
    /// # Errors
    /// [`TooLate`] if the message must not be handed over any more.
    pub async fn wait(&mut self) -> Result<(), TooLate> {
        if let Some(turns) = self.turns.take() {
            let turn = timeout_at(self.start_by, turns.acquire_owned()).await;
            let permit = turn.map_err(|_| TooLate)?.expect("the semaphore is never closed");
            let (taken, ended) = oneshot::channel::<()>();
            tokio::spawn(async move {
                // Ends with an error when the turn is dropped, or when it has lasted long enough.
                let _ = timeout(TURN_MAX, ended).await;
                drop(permit);
            });
            self.taken = Some(taken);
        }
        if Instant::now() > self.start_by { Err(TooLate) } else { Ok(()) }
    }

    /// Returns whether others wait for the end of this turn.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_at_a_time_has_its_turn() {
        let turns = Turns::new();
        let mut first = turns.turn(soon());
        first.wait().await.unwrap();
        first.wait().await.unwrap();
        let mut second = turns.turn(soon());
        assert!(timeout(TURN_MAX / 2, second.wait()).await.is_err());
        drop(first);
        let mut third = turns.turn(soon());
        timeout(TURN_MAX / 4, third.wait()).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_lasts_long_delays_the_next_one_for_a_second() {
        let turns = Turns::new();
        let (mut slow, mut next) = (turns.turn(soon()), turns.turn(soon()));
        slow.wait().await.unwrap();
        let started = Instant::now();
        next.wait().await.unwrap();
        assert!(started.elapsed() <= TURN_MAX + Duration::from_millis(10), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_not_handed_over_too_late() {
        let turns = Turns::new();
        let mut busy = turns.turn(soon());
        busy.wait().await.unwrap();
        let late = turns.turn(Instant::now() + TURN_MAX / 2).wait().await;
        assert_eq!(late, Err(TooLate));
        let mut free = Turn::free(Instant::now());
        free.wait().await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(free.wait().await, Err(TooLate));
    }
}
