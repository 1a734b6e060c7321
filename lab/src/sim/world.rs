//! What the parts of a simulation share: the clock, the planned faults, the trace and the evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::audit::evidence::{Evidence, Moment};
use super::fault::{FaultKind, Place, PlannedFault};
use super::scheduler::Spawner;
use super::time::Clock;

/// What is counted at a place, so that a fault can strike at the n-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// Polls of what can crash.
    Await,
    /// Requests to the store.
    StoreRequest,
    /// Batches of a consumer.
    Batch,
    /// Calls of the publisher.
    Publication,
    /// Published events.
    Event,
    /// Calls of the payment provider.
    ProviderCall,
    /// Messages handed to the mail server.
    Mail,
}

/// The state that all parts share. Clones share it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) spawner: Spawner,
    inner: Arc<Mutex<Inner>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

struct Inner {
    steps: u64,
    trace: String,
    evidence: Evidence,
    planned: BTreeMap<(FaultKind, Place, u32), Vec<u32>>,
    counts: BTreeMap<(Counted, Place), u32>,
    effects: BTreeMap<FaultKind, u64>,
    are_faults_over: bool,
    /// How many of the next requests fail at a place.
    failing: BTreeMap<(Counted, Place), u32>,
    /// What some process still has to do, by a name for the dump.
    pending: BTreeSet<String>,
}

impl World {
    pub(super) fn new(clock: Clock, spawner: Spawner, faults: &[PlannedFault]) -> Self {
        let mut planned: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for fault in faults {
            planned.entry((fault.kind, fault.place, fault.at)).or_default().push(fault.amount);
        }
        let inner = Inner {
            steps: 0,
            trace: String::new(),
            evidence: Evidence::default(),
            planned,
            counts: BTreeMap::new(),
            effects: BTreeMap::new(),
            are_faults_over: false,
            failing: BTreeMap::new(),
            pending: BTreeSet::new(),
        };
        Self { clock, spawner, inner: Arc::new(Mutex::new(inner)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No code panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next moment.
    pub(super) fn moment(&self) -> Moment {
        let at_ms = self.clock.elapsed_ms();
        let mut inner = self.inner();
        inner.steps += 1;
        Moment { step: inner.steps, at_ms }
    }

    /// Adds a line to the trace.
    pub(super) fn note(&self, place: impl Display, text: impl Display) {
        let at_ms = self.clock.elapsed_ms();
        // A String takes every text.
        let _written = writeln!(self.inner().trace, "{at_ms} {place}: {text}");
    }

    /// Changes the evidence.
    pub(super) fn record(&self, change: impl FnOnce(&mut Evidence)) {
        change(&mut self.inner().evidence);
    }

    /// Counts something at a place. Returns its number, starting at 0.
    pub(super) fn count(&self, counted: Counted, place: Place) -> u32 {
        let mut inner = self.inner();
        let count = inner.counts.entry((counted, place)).or_default();
        let number = *count;
        *count = count.saturating_add(1);
        number
    }

    /// Returns the amount of a fault that is planned here, and takes it off the plan. It does not count as one that took effect yet.
    pub(super) fn planned(&self, kind: FaultKind, place: Place, at: u32) -> Option<u32> {
        let mut inner = self.inner();
        if inner.are_faults_over {
            return None;
        }
        let amounts = inner.planned.get_mut(&(kind, place, at))?;
        amounts.pop()
    }

    /// Makes the next requests of a kind fail at a place.
    pub(super) fn fail_next(&self, counted: Counted, place: Place, requests: u32) {
        self.inner().failing.insert((counted, place), requests);
    }

    /// Returns whether the next request of a kind fails at a place, because of [`World::fail_next`].
    pub(super) fn is_failing(&self, counted: Counted, place: Place) -> bool {
        let mut inner = self.inner();
        if inner.are_faults_over {
            return false;
        }
        match inner.failing.get_mut(&(counted, place)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Counts a fault that took effect.
    pub(super) fn took_effect(&self, kind: FaultKind, place: impl Display) {
        *self.inner().effects.entry(kind).or_default() += 1;
        self.note(place, format_args!("FAULT {kind}"));
    }

    /// Returns the amount of a fault that is planned here and takes effect at once.
    pub(super) fn strikes(&self, kind: FaultKind, place: Place, at: u32) -> Option<u32> {
        let amount = self.planned(kind, place, at)?;
        self.took_effect(kind, place);
        Some(amount)
    }

    /// Ends all faults that have not struck yet.
    pub(super) fn end_faults(&self) {
        self.inner().are_faults_over = true;
        self.note("system", "the faults are over");
    }

    /// Names what is still to be done.
    pub(super) fn begin(&self, task: impl Into<String>) {
        self.inner().pending.insert(task.into());
    }

    /// Says that something is done.
    pub(super) fn finish(&self, task: &str) {
        self.inner().pending.remove(task);
    }

    /// Returns what is still to be done.
    pub(super) fn pending(&self) -> Vec<String> {
        self.inner().pending.iter().cloned().collect()
    }

    /// Takes the trace, the evidence and the faults that took effect.
    pub(super) fn take(&self) -> (String, Evidence, BTreeMap<FaultKind, u64>) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        (
            std::mem::take(&mut inner.trace),
            std::mem::take(&mut inner.evidence),
            std::mem::take(&mut inner.effects),
        )
    }
}
