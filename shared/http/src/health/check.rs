//! Checks of what a process needs, each with a deadline of its own.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The time that a request waits for the result of a check. With it, `/health` answers within 2 s whatever hangs.
const DEADLINE: Duration = Duration::from_millis(1_500);

/// The age up to which a positive result is used again, so that frequent requests cost no more than one check per second. A negative
/// result is never used again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The time after which a check that does not end is given up, and the next request starts another one.
const GIVEN_UP: Duration = Duration::from_secs(5);

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckState {
    /// It works.
    Up,
    /// A part of it does not work, for this reason. The process is useful all the same.
    Degraded(String),
    /// It does not work, for this reason.
    Down(String),
}

impl From<bool> for CheckState {
    fn from(is_up: bool) -> Self {
        if is_up { Self::Up } else { Self::Down("it does not answer".to_owned()) }
    }
}

impl<E: ToString> From<Result<(), E>> for CheckState {
    fn from(result: Result<(), E>) -> Self {
        result.map_or_else(|error| Self::Down(error.to_string()), |()| Self::Up)
    }
}

impl CheckState {
    /// Returns the state as `/health` shows it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded(_) => "degraded",
            Self::Down(_) => "down",
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Up => None,
            Self::Degraded(reason) | Self::Down(reason) => Some(reason),
        }
    }
}

/// Something that the process needs: its name, and a function that checks whether it works.
///
/// The function runs in a task of its own. One that hangs delays no answer beyond its deadline, and counts as down. Requests that arrive
/// while it runs wait for its result. Clones share the runs.
#[derive(Clone)]
pub struct HealthCheck {
    pub(super) name: &'static str,
    check: Arc<dyn Fn() -> BoxFuture<'static, CheckState> + Send + Sync>,
    current: Arc<Mutex<Option<Run>>>,
}

/// The newest run of a check.
#[derive(Clone)]
struct Run {
    started_at: Instant,
    result: watch::Receiver<Option<(CheckState, Instant)>>,
}

impl Run {
    /// Returns whether a request can use this run instead of starting another one.
    fn is_usable(&self) -> bool {
        match &*self.result.borrow() {
            Some((state, ended_at)) => *state == CheckState::Up && ended_at.elapsed() <= MAX_AGE,
            None => self.started_at.elapsed() <= GIVEN_UP,
        }
    }
}

impl HealthCheck {
    /// Creates a check with this name, which is part of `/health`.
    pub fn new<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: Into<CheckState>> + Send + 'static,
    {
        let check = Arc::new(move || check().map(Into::into).boxed());
        Self { name, check, current: Arc::default() }
    }

    /// Returns the result, which is at most [`MAX_AGE`] old.
    pub(super) async fn state(&self) -> CheckState {
        let mut result = self.usable_run().result;
        let ended = timeout(DEADLINE, result.wait_for(Option::is_some)).await;
        let state = match ended {
            Ok(Ok(result)) => result.as_ref().map(|(state, _)| state.clone()),
            // The runtime ends, or the run was given up.
            Ok(Err(_)) | Err(_) => None,
        };
        state.unwrap_or_else(|| CheckState::Down(format!("no answer within {DEADLINE:?}")))
    }

    fn usable_run(&self) -> Run {
        let mut current = lock(&self.current);
        if let Some(run) = current.as_ref().filter(|run| run.is_usable()) {
            return run.clone();
        }
        let run = self.start();
        *current = Some(run.clone());
        run
    }

    fn start(&self) -> Run {
        let (sender, result) = watch::channel(None);
        let check = (self.check)();
        tokio::spawn(async move {
            let ended = timeout(GIVEN_UP, AssertUnwindSafe(check).catch_unwind()).await;
            let state = match ended {
                Ok(Ok(state)) => state,
                Ok(Err(_)) => CheckState::Down("the check failed".to_owned()),
                Err(_) => CheckState::Down(format!("no answer within {GIVEN_UP:?}")),
            };
            sender.send_replace(Some((state, Instant::now())));
        });
        Run { started_at: Instant::now(), result }
    }
}

/// Locks a mutex. No code panics while it holds the lock, so the value behind a poisoned lock is complete.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting(runs: &Arc<AtomicUsize>, state: CheckState, takes: Duration) -> HealthCheck {
        let runs = runs.clone();
        HealthCheck::new("store", move || {
            let state = state.clone();
            runs.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(takes).await;
                state
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_and_frequent_requests_share_a_positive_result() {
        let runs = Arc::default();
        let check = counting(&runs, CheckState::Up, Duration::from_millis(100));
        let both = tokio::join!(check.state(), check.state());
        assert_eq!(both, (CheckState::Up, CheckState::Up));
        check.state().await;
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        tokio::time::sleep(MAX_AGE * 2).await;
        check.state().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_recovery_is_seen_by_the_next_request() {
        let runs = Arc::default();
        let check = counting(&runs, CheckState::from(false), Duration::ZERO);
        assert_eq!(check.state().await.name(), "down");
        check.state().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_down_within_the_deadline_and_is_not_started_by_each_request() {
        let runs = Arc::default();
        let check = counting(&runs, CheckState::Up, Duration::from_secs(3_600));
        let started = Instant::now();
        assert_eq!(check.state().await, CheckState::Down("no answer within 1.5s".to_owned()));
        assert_eq!(started.elapsed(), DEADLINE);
        tokio::join!(check.state(), check.state());
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        tokio::time::sleep(GIVEN_UP).await;
        check.state().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_check_that_panics_is_down() {
        async fn fails() -> bool {
            panic!("broken")
        }
        let check = HealthCheck::new("store", fails);
        assert_eq!(check.state().await, CheckState::Down("the check failed".to_owned()));
    }
}
