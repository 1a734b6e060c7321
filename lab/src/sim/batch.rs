//! Runs many seeds on several threads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};

use super::report::{Explanation, FAILURES_MAX, Failure, SimReport};
use super::shrink::shrink;
use super::story::story;
use super::verdict::examine;
use super::{FaultKind, Plan, Run, Violation};

/// Seeds that are run one after the other by each of several threads.
pub(super) struct Batch {
    seeds: Range<u64>,
    /// The seed that a thread takes next. Those before it have begun.
    next: AtomicU64,
    is_stopped: AtomicBool,
    progress: ProgressBar,
    found: Mutex<Found>,
}

/// What the runs of a batch had in common so far.
#[derive(Default)]
struct Found {
    simulated: Duration,
    faults: BTreeMap<FaultKind, u64>,
    failures: Vec<Failure>,
    /// The invariants whose violation is explained, or is being explained.
    explained: BTreeSet<&'static str>,
}

impl Batch {
    pub(super) fn new(seeds: Range<u64>, progress: ProgressBar) -> Self {
        let next = AtomicU64::new(seeds.start);
        Self { seeds, next, is_stopped: AtomicBool::new(false), progress, found: Mutex::default() }
    }

    /// Begins no further seed.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Runs the seeds on this many threads. Returns when all are run, or those that were begun before [`stop`](Self::stop).
    pub(super) fn run(&self, threads: u32) -> SimReport {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(seed) = self.take() {
                        self.examine(seed, started);
                    }
                });
            }
        });
        self.progress.finish_and_clear();
        let next = self.next.load(Ordering::Relaxed).min(self.seeds.end);
        let mut found = self.found();
        found.failures.sort_by_key(|failure| failure.seed);
        SimReport {
            seeds: self.seeds.start..next,
            asked_for: self.seeds.end,
            took: started.elapsed(),
            simulated: found.simulated,
            faults: std::mem::take(&mut found.faults),
            failures: std::mem::take(&mut found.failures),
        }
    }

    fn take(&self) -> Option<u64> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return None;
        }
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        (seed < self.seeds.end).then_some(seed)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // What the holders of the lock do does not panic half way.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn examine(&self, seed: u64, started: Instant) {
        let (run, violations) = examine(&Plan::generate(seed));
        let new = {
            let mut found = self.found();
            if let Some(run) = &run {
                found.simulated += run.simulated;
                for (kind, count) in &run.faults {
                    *found.faults.entry(*kind).or_default() += count;
                }
            }
            let new = violations.iter().find(|violation| found.explained.insert(violation.invariant));
            if !violations.is_empty() {
                found.failures.push(Failure { seed, violations: violations.clone(), explanation: None });
            }
            if found.failures.len() >= FAILURES_MAX {
                self.stop();
            }
            let rate = found.simulated.as_secs_f64() / started.elapsed().as_secs_f64().max(0.001);
            let failing = found.failures.len();
            let a_second = HumanDuration(Duration::from_secs_f64(rate));
            self.progress.set_message(format!("{a_second} simulated a second, {failing} failing"));
            new
        };
        if let Some(new) = new {
            let explanation = explain(&Plan::generate(seed), new);
            let mut found = self.found();
            let failure = found.failures.iter_mut().find(|failure| failure.seed == seed);
            failure.into_iter().for_each(|failure| failure.explanation = Some(explanation.clone()));
        }
        self.progress.inc(1);
    }
}

/// Shortens a plan that breaks a promise, and tells how it does.
fn explain(plan: &Plan, violation: &Violation) -> Explanation {
    let same = |found: Vec<Violation>| found.into_iter().find(|found| found.invariant == violation.invariant);
    let plan = shrink(plan, |plan| same(examine(plan).1).is_some());
    let (run, found) = examine(&plan);
    let violation = same(found).unwrap_or_else(|| violation.clone());
    let told = |run: Run| violation.order.as_ref().map(|order| story(order, &run.evidence));
    let story = run.and_then(told).unwrap_or_default();
    Explanation { plan, violation, story }
}
