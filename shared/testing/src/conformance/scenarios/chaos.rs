//! Random failures of every kind at once.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use orderflow_domain::Event;
use orderflow_messaging::RetryPolicy;

use super::TRACKER;
use crate::conformance::events::{many_released, publish_until_confirmed};
use crate::conformance::observed::Observed;
use crate::conformance::scripted::{Reply, Scripted};
use crate::conformance::{BrokerUnderTest, PATIENCE, POLICY, eventually};
use crate::faults::{FaultCounts, FaultRates, FaultyPublisher, FaultyTarget, TargetFaults};

/// A policy without a limit of attempts, so that only the function dead-letters messages.
const ENDLESS: RetryPolicy = RetryPolicy { max_attempts: u32::MAX, ..POLICY };

const PUBLISHING: FaultRates = FaultRates {
    fail_before: 0.02,
    fail_after: 0.02,
    repeat: 0.02,
    reorder: 0.2,
    delay: 0.1,
    longest_delay: Duration::from_millis(5),
};

const INVOKING: TargetFaults = TargetFaults {
    rates: FaultRates { fail_before: 0.02, fail_after: 0.02, repeat: 0.05, ..PUBLISHING },
    unreachable: 0.01,
    panic: 0.01,
};

/// Returns a minute, and more for more than the usual number of messages.
fn patience(messages: usize) -> Duration {
    Duration::from_secs(60).max(Duration::from_millis(10) * u32::try_from(messages).unwrap_or(u32::MAX))
}

/// Sends thousands of messages under random failures and a crash. None is lost: each is either processed, or dead-lettered if its function
/// said so, and none is both.
pub async fn random_failures<B: BrokerUnderTest>() {
    let (count, seed) = (message_count(), seed());
    let (mut broker, function) = (B::start(ENDLESS).await, Scripted::new(TRACKER, ENDLESS));
    let publisher = FaultyPublisher::new(broker.publisher(), PUBLISHING, seed);
    let target = Arc::new(FaultyTarget::new(function.clone(), INVOKING, seed));
    let observed = Observed::new(target.clone());
    let events = many_released(count);
    let doomed = write_script(&function, &events, seed);

    broker.attach(TRACKER, observed.clone()).await;
    publish_until_confirmed(&publisher, &events[..count / 2]).await;
    eventually("some are done", patience(count), async || function.events_done() > count / 4).await;
    broker.crash().await;
    broker.attach(TRACKER, observed.clone()).await;
    publish_until_confirmed(&publisher, &events[count / 2..]).await;

    let alive = count - doomed.len();
    eventually("all are done", patience(count), async || observed.acknowledgements() >= alive).await;
    let all_dead = async || broker.dead_letters(TRACKER).await.len() >= doomed.len();
    eventually("all doomed messages are dead-lettered", patience(count), all_dead).await;
    process_copies(&mut broker, observed.clone()).await;
    let dead: HashSet<String> =
        broker.dead_letters(TRACKER).await.into_iter().map(|letter| letter.id).collect();
    assert_eq!(dead, doomed, "seed {seed}");
    let acknowledged = observed.acknowledged();
    for event in &events {
        let id = event.id.to_string();
        let (done, told) = (function.times_done(event) > 0, acknowledged.contains(&id));
        let expected = !doomed.contains(&id);
        assert_eq!((done, told), (expected, expected), "seed {seed}: {:?}", function.deliveries(event));
    }
    if count >= 10_000 {
        assert_every_fault_happened(publisher.counts(), target.counts());
    }
}

/// Processes copies of finished messages, which may still be queued, or in flight to a process that is stopped.
async fn process_copies<B: BrokerUnderTest>(broker: &mut B, target: Arc<Observed>) {
    for _ in 0..20 {
        eventually("the queue is empty", PATIENCE, async || broker.waiting(TRACKER).await == 0).await;
        broker.stop().await;
        if broker.waiting(TRACKER).await == 0 {
            return;
        }
        broker.attach(TRACKER, target.clone()).await;
    }
    panic!("copies are delivered without end");
}

/// Has some messages retried, some deferred, and one in a hundred dead-lettered. Returns the last.
fn write_script(function: &Scripted, events: &[Event], seed: u64) -> HashSet<String> {
    let (mut rng, mut doomed) = (Rng::with_seed(seed), HashSet::new());
    for event in events {
        match rng.u32(0..100) {
            0 => {
                function.doom(event);
                doomed.insert(event.id.to_string());
            }
            1..5 => function.script(event, [Reply::Retry]),
            5..7 => function.script(event, [Reply::Retry, Reply::Retry]),
            7..9 => function.script(event, [Reply::Defer(POLICY.base)]),
            _ => {}
        }
    }
    doomed
}

/// Checks that every kind of fault happened: without faults the scenario proves nothing.
fn assert_every_fault_happened(publishing: FaultCounts, invoking: FaultCounts) {
    let FaultCounts { failed_before, failed_after, repeated, reordered, delayed, .. } = publishing;
    let faults = [failed_before, failed_after, repeated, reordered, delayed];
    assert!(faults.iter().all(|count| *count > 0), "{publishing:?}");
    let FaultCounts { failed_before, failed_after, repeated, reordered, delayed, unreachable, panicked } =
        invoking;
    let faults = [failed_before, failed_after, repeated, reordered, delayed, unreachable, panicked];
    assert!(faults.iter().all(|count| *count > 0), "{invoking:?}");
}

/// Returns the number of messages (`ORDERFLOW_STRESS_MESSAGES`, default 10,000).
fn message_count() -> usize {
    setting("ORDERFLOW_STRESS_MESSAGES").unwrap_or(10_000)
}

/// Returns the seed of the failures (`ORDERFLOW_STRESS_SEED`, default 1).
fn seed() -> u64 {
    setting("ORDERFLOW_STRESS_SEED").unwrap_or(1)
}

/// Reads a number from the environment.
///
/// # Panics
/// The variable is set and not a number.
fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{name}={text:?} must be a number");
    number
}
