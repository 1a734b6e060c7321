//! Plants each deliberate bug in turn, and checks that the simulation finds it.
//! `UPDATE_EXPECT=1 cargo test -p orderflow-lab --test bugs` writes `docs/internals/deliberate-bugs.md` again after a change.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use expect_test::expect_file;
use orderflow_bugs::{BUGS, Bug, BugScope};
use orderflow_lab::sim::{self, Plan};

/// The most seeds that it may take to find a bug.
const SEEDS_MAX: u64 = 500;

/// The median of the seeds must be below this.
const MEDIAN_BELOW: u64 = 50;

const HEAD: &str = "\
# Deliberate bugs

The simulation is tested itself: a test plants each of these bugs in turn, and runs the simulation with the seeds 0, 1, 2 and so on, until the
auditor sees that a promise is broken. It fails if a bug takes more than 500 seeds, or if half of the bugs take 50 or more.

The code asks `orderflow_bugs::is_planted` at the place of a bug. Without the cargo feature `planted`, which only the tests of `lab` enable, the answer is a
constant, so the program and the bundles contain no bug; `tests/structure/layers.rs` checks that no other package enables it. To add a bug, list
it in `shared/bugs/src/catalogue.rs` and ask for it at one place in the code.

A test compares this page with what it measures: `UPDATE_EXPECT=1 cargo test -p orderflow-lab --test bugs` writes it again.

| bug | what is wrong | seeds | invariant that is broken |
|---|---|---|---|
";

/// How a bug was found.
struct Found {
    /// The number of seeds that it took.
    seeds: u64,
    /// The first invariant that the auditor saw broken.
    invariant: &'static str,
}

/// Runs the simulation with a bug until the auditor finds a violation. Returns `None` if it finds none.
fn search(bug: &Bug) -> Option<Found> {
    let _planted = BugScope::enter(bug.name);
    (0..SEEDS_MAX).find_map(|seed| {
        let violations = sim::violations(&sim::run(&Plan::generate(seed)));
        violations.first().map(|violation| Found { seeds: seed + 1, invariant: violation.invariant })
    })
}

/// Searches all bugs, on as many threads as there are processors. Returns how each was found, in the order of [`BUGS`].
fn search_all() -> Vec<Option<Found>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(bug) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = search(bug);
                    results.lock().unwrap().push((bug.name, found));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(name, _)| BUGS.iter().position(|bug| bug.name == *name));
    results.into_iter().map(|(_, found)| found).collect()
}

#[test]
fn the_simulation_finds_each_deliberate_bug() {
    let found = search_all();
    let missed: Vec<&str> =
        BUGS.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(bug, _)| bug.name).collect();
    let mut seeds: Vec<u64> = found.iter().flatten().map(|found| found.seeds).collect();
    seeds.sort_unstable();
    let median = seeds[seeds.len() / 2];
    let mut page = HEAD.to_owned();
    for (bug, found) in BUGS.iter().zip(&found) {
        if let Some(Found { seeds, invariant }) = found {
            writeln!(page, "| `{}` | {} | {seeds} | {invariant} |", bug.name, bug.sentence).unwrap();
        }
    }
    writeln!(page, "\nThe median of the {} bugs is {median} seeds.", BUGS.len()).unwrap();
    assert!(missed.is_empty(), "not found within {SEEDS_MAX} seeds: {missed:?}\n{page}");
    assert!(median < MEDIAN_BELOW, "the median is {median}\n{page}");
    expect_file!["../../docs/internals/deliberate-bugs.md"].assert_eq(&page);
}
