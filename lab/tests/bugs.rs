//! Plants each deliberate bug in turn, and checks that the simulation finds it with the seed that `docs/internals/deliberate-bugs.md` names.
//! `UPDATE_EXPECT=1 cargo test -p orderflow-lab --test bugs` searches the seeds and writes the page again after a change.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::ops::Range;
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

The simulation is tested itself. Each of these bugs was planted in turn, and the simulation ran with the seeds 0, 1, 2 and so on, until the auditor saw that a
promise was broken. A test plants each bug again and runs the last of its seeds, which has to break the same promise. It fails if a bug takes more than 500 seeds,
or if half of the bugs take 50 or more.

The code asks `orderflow_bugs::is_planted` at the place of a bug. Without the cargo feature `planted`, which only the tests of `lab` enable, the answer is a
constant, so the program and the bundles contain no bug; `tests/structure/layers.rs` checks that no other package enables it. To add a bug, list
it in `shared/bugs/src/catalogue.rs` and ask for it at one place in the code.

`UPDATE_EXPECT=1 cargo test -p orderflow-lab --test bugs` searches the seeds again, which takes minutes, and writes this page.

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

/// Runs the simulation with a bug and these seeds until the auditor finds a violation. Returns `None` if it finds none.
fn search(bug: &Bug, mut seeds: Range<u64>) -> Option<Found> {
    let _planted = BugScope::enter(bug.name);
    seeds.find_map(|seed| {
        let violations = sim::violations(&sim::run(&Plan::generate(seed)));
        violations.first().map(|violation| Found { seeds: seed + 1, invariant: violation.invariant })
    })
}

/// Returns the seed with which the page says that a bug is found; none if the page does not have the bug.
fn seed_on(page: &str, bug: &Bug) -> Range<u64> {
    let row =
        page.lines().find_map(|line| line.strip_prefix(&format!("| `{}` | {} | ", bug.name, bug.sentence)));
    let seeds = row.and_then(|row| row.split(' ').next()?.parse().ok());
    seeds.map_or(0..0, |seeds: u64| seeds - 1..seeds)
}

/// Finds all bugs, on as many threads as there are processors. Returns how each was found, in the order of [`BUGS`].
fn find_all(find: impl Fn(&Bug) -> Option<Found> + Sync) -> Vec<Option<Found>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(bug) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = find(bug);
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
    let written = std::fs::read_to_string("../docs/internals/deliberate-bugs.md").unwrap_or_default();
    let found = match std::env::var_os("UPDATE_EXPECT") {
        Some(_) => find_all(|bug| search(bug, 0..SEEDS_MAX)),
        None => find_all(|bug| search(bug, seed_on(&written, bug))),
    };
    let missed: Vec<&str> =
        BUGS.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(bug, _)| bug.name).collect();
    assert!(missed.is_empty(), "not found with the seeds of the page: {missed:?}");
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
    assert!(
        seeds.iter().all(|seeds| *seeds <= SEEDS_MAX) && median < MEDIAN_BELOW,
        "the median is {median}\n{page}"
    );
    expect_file!["../../docs/internals/deliberate-bugs.md"].assert_eq(&page);
}
