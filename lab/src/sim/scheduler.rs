//! Decides which process runs next: the seed picks one of those that can go on.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What a process does.
pub(super) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The most polls of processes before the runtime gets its turn, with its timers and tasks.
const POLLS_PER_TURN: usize = 8;

/// The processes that can go on by their numbers, and what wakes the scheduler. In which order they were woken does not matter: tokio wakes those
/// that wait for one value in a random order.
#[derive(Default)]
struct Ready {
    processes: BTreeMap<usize, Arc<Handle>>,
    scheduler: Option<Waker>,
}

/// A process, as its wakers know it.
struct Handle {
    number: usize,
    is_ready: AtomicBool,
    ready: Arc<Mutex<Ready>>,
}

impl Wake for Handle {
    fn wake(self: Arc<Self>) {
        if self.is_ready.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut ready = lock(&self.ready);
        ready.processes.insert(self.number, Arc::clone(&self));
        if let Some(scheduler) = ready.scheduler.take() {
            scheduler.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts processes. Clones share the scheduler.
#[derive(Clone, Default)]
pub(super) struct Spawner(Arc<Mutex<Vec<Job>>>);

impl Spawner {
    /// Starts a process, which runs until it ends or the simulation does.
    pub(super) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0).push(Box::pin(job));
    }
}

/// Why a simulation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its main process ended.
    Done,
    /// It had as many polls as it may.
    TooManyPolls,
}

/// The scheduler of one simulation.
pub(super) struct Scheduler {
    rng: fastrand::Rng,
    ready: Arc<Mutex<Ready>>,
    spawner: Spawner,
    processes: Vec<Option<Job>>,
    polls: u64,
    polls_max: u64,
}

impl Scheduler {
    pub(super) fn new(seed: u64, polls_max: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            ready: Arc::default(),
            spawner: Spawner::default(),
            processes: Vec::new(),
            polls: 0,
            polls_max,
        }
    }

    /// Returns what starts further processes.
    pub(super) fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Runs until `main` ends.
    pub(super) async fn run(mut self, main: impl Future<Output = ()> + Send + 'static) -> Ended {
        self.add(Box::pin(main));
        tokio::task::unconstrained(poll_fn(|context| self.turn(context))).await
    }

    fn add(&mut self, job: Job) {
        let number = self.processes.len();
        self.processes.push(Some(job));
        let ready = Arc::clone(&self.ready);
        Arc::new(Handle { number, is_ready: AtomicBool::new(false), ready }).wake();
    }

    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        for _ in 0..POLLS_PER_TURN {
            let started = std::mem::take(&mut *lock(&self.spawner.0));
            for job in started {
                self.add(job);
            }
            let Some(next) = self.pick(context.waker()) else { return Poll::Pending };
            self.polls += 1;
            if self.polls > self.polls_max {
                return Poll::Ready(Ended::TooManyPolls);
            }
            if self.poll(&next) && next.number == 0 {
                return Poll::Ready(Ended::Done);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Picks one of the processes that can go on. If none can, the next one that can wakes the scheduler.
    fn pick(&mut self, scheduler: &Waker) -> Option<Arc<Handle>> {
        let mut ready = lock(&self.ready);
        if ready.processes.is_empty() {
            ready.scheduler = Some(scheduler.clone());
            return None;
        }
        let index = self.rng.usize(..ready.processes.len());
        let number = ready.processes.keys().nth(index).copied()?;
        ready.processes.remove(&number)
    }

    /// Polls a process. Returns whether it ended.
    fn poll(&mut self, handle: &Arc<Handle>) -> bool {
        handle.is_ready.store(false, Ordering::Relaxed);
        let Some(job) = &mut self.processes[handle.number] else { return false };
        let waker = Waker::from(Arc::clone(handle));
        let ended = job.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if ended {
            self.processes[handle.number] = None;
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the order in which three processes take their steps under a seed.
    fn order(seed: u64) -> Vec<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let steps = Arc::new(Mutex::new(Vec::new()));
        let scheduler = Scheduler::new(seed, 1_000);
        let spawner = scheduler.spawner();
        for number in 0..3 {
            let steps = Arc::clone(&steps);
            spawner.spawn(async move {
                for _ in 0..5 {
                    lock(&steps).push(number);
                    tokio::task::yield_now().await;
                }
            });
        }
        let ended = Arc::clone(&steps);
        let main = async move {
            while lock(&ended).len() < 15 {
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(runtime.block_on(scheduler.run(main)), Ended::Done);
        lock(&steps).clone()
    }

    #[test]
    fn the_seed_decides_the_order() {
        assert_eq!(order(1), order(1));
        assert!((2..20).any(|seed| order(seed) != order(1)));
    }

    #[test]
    fn a_simulation_that_never_ends_is_ended() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let forever = async {
            loop {
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(runtime.block_on(Scheduler::new(1, 100).run(forever)), Ended::TooManyPolls);
    }
}
