//! Random sequences of the port's operations have the same answers on the engine and on dynoxide, the DynamoDB of other tests.
//!
//! `ORDERFLOW_STRESS_SEED` repeats a sequence that failed: the failure names its seed, and shows the shortest part of it that still fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod dynoxide;
mod expressions;
mod generator;
mod operations;

use std::sync::Arc;

use fastrand::Rng;
use orderflow_engine::{Engine, Location, Options, SyncMode};
use orderflow_store_port::{Backend, TableRef};
use tokio::runtime::Runtime;

use crate::answers::{answer, stream};
use crate::dynoxide::Oracle;
use crate::generator::a_step;
use crate::operations::{Step, TABLES, table};

/// The operations of a sequence. The items of one sequence are few, so a longer one finds no more.
const STEPS: usize = 200;
/// The sequences of each of the tests, which are 102,400 operations in all.
const SEQUENCES: usize = 128;
/// The most sequences that are tried to shorten one that failed.
const TRIES: usize = 2_000;

/// Where the engine has its data.
#[derive(Clone, Copy)]
enum Place {
    Memory,
    Directory,
}

/// Returns the first difference between the stores.
async fn difference(place: Place, steps: &[Step]) -> Option<String> {
    let tables: Vec<TableRef> = TABLES.iter().map(table).collect();
    let oracle = Oracle::new(&tables);
    let directory = tempfile::tempdir().unwrap();
    let location = match place {
        Place::Memory => Location::Memory,
        Place::Directory => Location::Directory(directory.path().to_owned()),
    };
    let options = Options { sync: SyncMode::Normal, ..Options::new(location) };
    let engine: Arc<dyn Backend> = Arc::new(Engine::open(options).unwrap());
    for table in &tables {
        engine.create_missing(table).await.unwrap();
    }
    for step in steps {
        let (actual, expected) = (answer(&*engine, step).await, oracle.answer(step));
        if actual != expected {
            return Some(format!("{step:?}\n  engine: {actual:?}\n  oracle: {expected:?}"));
        }
    }
    for table in tables.iter().filter(|table| table.definition.streams) {
        let (actual, expected) = (stream(&*engine, table).await, oracle.stream(table));
        if actual != expected {
            return Some(format!("stream of {table:?}\n  engine: {actual:?}\n  oracle: {expected:?}"));
        }
    }
    None
}

/// Returns the shortest sequence that still fails, of those that were tried.
fn shortened(runtime: &Runtime, place: Place, mut steps: Vec<Step>) -> Vec<Step> {
    let mut tries = TRIES;
    let mut fails = |steps: &[Step]| {
        tries = tries.saturating_sub(1);
        tries > 0 && runtime.block_on(difference(place, steps)).is_some()
    };
    let mut length = steps.len() / 2;
    while length > 0 {
        let mut from = 0;
        while from < steps.len() {
            let mut shorter = steps.clone();
            shorter.drain(from..(from + length).min(steps.len()));
            if fails(&shorter) {
                steps = shorter;
            } else {
                from += length;
            }
        }
        length /= 2;
    }
    for position in 0..steps.len() {
        while let Some(simpler) = steps[position].simpler().into_iter().find(|simpler| {
            let mut others = steps.clone();
            others[position] = simpler.clone();
            fails(&others)
        }) {
            steps[position] = simpler;
        }
    }
    steps
}

fn run(place: Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let given = std::env::var("ORDERFLOW_STRESS_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds = (0..SEQUENCES).map(|_| fastrand::u64(..));
    for seed in given.map_or_else(|| seeds.collect(), |seed| vec![seed]) {
        let mut rng = Rng::with_seed(seed);
        let steps: Vec<Step> = (0..STEPS).map(|_| a_step(&mut rng)).collect();
        if runtime.block_on(difference(place, &steps)).is_some() {
            let steps = shortened(&runtime, place, steps);
            let difference = runtime.block_on(difference(place, &steps)).unwrap_or_default();
            panic!("ORDERFLOW_STRESS_SEED={seed}: after\n{:#?}\n{difference}", &steps[..steps.len() - 1]);
        }
    }
}

#[test]
fn in_memory() {
    run(Place::Memory);
}

#[test]
fn in_memory_again() {
    run(Place::Memory);
}

#[test]
fn in_memory_once_more() {
    run(Place::Memory);
}

#[test]
fn in_a_directory() {
    run(Place::Directory);
}
