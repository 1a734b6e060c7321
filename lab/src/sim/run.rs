//! Runs a plan.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orderflow_domain::SourceScope;
use orderflow_engine::{Engine, Location, Options};
use orderflow_notifications::Templates;
use orderflow_store::{DEFAULT_PREFIX, Store};

use super::audit::evidence::Evidence;
use super::fault::{FaultKind, Place};
use super::plan::Plan;
use super::scheduler::{Ended, Scheduler};
use super::store::SimulatedStore;
use super::system::System;
use super::tables::{TABLES, contents};
use super::time::{Clock, SimulatedSource};
use super::world::World;
use super::{operations, relays, settling, timed, workers};

/// The most polls of processes in a simulation. A simulation takes some ten thousands.
const POLLS_MAX: u64 = 3_000_000;

/// How long the relays of a simulation wait for more writes: some of them publish each event alone, others several at once.
const BATCHING: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(10), Duration::from_millis(100), Duration::from_millis(500)];

/// What a simulation did.
#[derive(Debug)]
pub struct Run {
    /// What its auditor may know.
    pub evidence: Evidence,
    /// Everything that happened, a line each. The same plan has the same trace.
    pub trace: String,
    /// How many faults of each kind took effect.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The time that passed in the simulation.
    pub simulated: Duration,
    /// Who waits for what, if not everything settled.
    pub unsettled: Option<String>,
}

/// Runs a plan on this thread, to its end.
///
/// # Panics
/// If the runtime or the store in memory cannot be created, or the code under simulation panics.
#[must_use]
pub fn run(plan: &Plan) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs no resources");
    // The jitter of delays comes from this thread's generator.
    fastrand::seed(plan.seed);
    runtime.block_on(simulate(plan))
}

async fn simulate(plan: &Plan) -> Run {
    let clock = Clock::start();
    let source = SimulatedSource::new(clock.clone(), plan.seed ^ 0x5eed);
    let _scope = SourceScope::enter(Rc::new(source));
    let scheduler = Scheduler::new(plan.seed, POLLS_MAX);
    let world = World::new(clock.clone(), scheduler.spawner(), &plan.faults);
    let system = system(&world, plan).await;
    let unsettled = Arc::new(Mutex::new(None));
    let main = {
        let (system, plan, unsettled) = (system.clone(), plan.clone(), Arc::clone(&unsettled));
        async move {
            workers::start(&system);
            relays::start(&system, None);
            settling::start_sweeps(&system);
            timed::start(&system, &plan.faults);
            operations::start(&system, &plan.operations);
            let left = settling::settle(&system, &plan).await;
            // No code panics while it holds the lock.
            *unsettled.lock().unwrap_or_else(PoisonError::into_inner) = left;
        }
    };
    let ended = scheduler.run(main).await;
    let mut unsettled = unsettled.lock().unwrap_or_else(PoisonError::into_inner).take();
    if ended == Ended::TooManyPolls {
        unsettled = Some(format!("no end after {POLLS_MAX} polls\n{}", system.broker.dump()));
    }
    finish(&system, &clock, unsettled).await
}

/// Creates the tables and the system over them.
async fn system(world: &World, plan: &Plan) -> System {
    let clock = world.clock.clone();
    let location = Location::Memory;
    let options = Options { clock: Arc::new(move || clock.system_time()), ..Options::new(location) };
    let engine = Engine::open(options).expect("a database in memory can be created");
    let store = Store::new(Arc::new(engine.clone()), DEFAULT_PREFIX);
    store.create_missing_tables(&TABLES).await.expect("tables in memory can be created");
    let store = SimulatedStore::new(engine, world.clone(), plan.seed.is_multiple_of(3));
    let batching = BATCHING[usize::try_from(plan.seed % 4).unwrap_or(0)];
    System::new(world, store, Arc::new(Templates::built_in()), batching)
}

async fn finish(system: &System, clock: &Clock, unsettled: Option<String>) -> Run {
    let simulated = clock.elapsed();
    let (trace, mut evidence, faults) = system.world.take();
    evidence.exchanges.sort_by_key(|exchange| exchange.sent);
    evidence.tables = contents(&system.store_at(Place::System)).await.unwrap_or_default();
    evidence.left = system.broker.left();
    Run { evidence, trace, faults, simulated, unsettled }
}
