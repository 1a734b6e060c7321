//! In any order of events, the cursor never passes a message that is not stored elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{Event, Timestamp};
use orderflow_embedded::Fault;
use proptest::prelude::*;
use serde_json::Value;

use super::world::{CONSUMER, POLICY, Process, Reply, World};

#[derive(Debug, Clone)]
enum Step {
    Emit(Vec<Reply>),
    Poll,
    Deliver,
    Wait(u64),
    Save,
    Restart,
    /// The store starts or stops refusing requests about rows.
    Refuse(bool),
    /// An operator stops or starts the consumer.
    Stop(bool),
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        3 => Just(Reply::Done),
        2 => Just(Reply::Retry(None)),
        2 => (0_u64..3_000).prop_map(|after| Reply::Retry(Some(after))),
        1 => Just(Reply::Dead),
        1 => Just(Reply::Fail),
        1 => Just(Reply::Answer("nonsense")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec(reply(), 0..4).prop_map(Step::Emit),
        3 => Just(Step::Poll),
        4 => Just(Step::Deliver),
        2 => (1_u64..5_000).prop_map(Step::Wait),
        3 => Just(Step::Save),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => any::<bool>().prop_map(Step::Stop),
    ]
}

/// The events that the stored cursor has passed are done, or have a row.
async fn check(world: &World, process: &Process, events: &[Event]) {
    let Some(cursor) = world.cursor().await.0 else { return };
    let mut kept: BTreeSet<String> = world.delayed().await.iter().map(|row| row.id().to_owned()).collect();
    kept.extend(world.dead().await.iter().map(|row| row.id().to_owned()));
    for event in events {
        let id = event.id.to_string();
        // A record that this process did not see again was behind the cursor when it started.
        let passed = process.relay.sequence_numbers.lock().unwrap().get(&id).is_some_and(|n| *n <= cursor);
        let safe = world.target.times_done(event) > 0 || kept.contains(&id);
        assert!(!passed || safe, "the cursor passed {id}, which nothing keeps");
    }
}

fn refuse_rows(operation: &str, body: &Value) -> Option<Fault> {
    let rows = ["PutItem", "DeleteItem", "TransactWriteItems", "BatchGetItem"].contains(&operation);
    (rows && body.to_string().contains("test-runtime")).then_some(Fault::InternalServerError)
}

async fn take(world: &World, steps: Vec<Step>) {
    let (mut process, mut now, mut events) = (world.start().await, Timestamp::now(), Vec::new());
    for step in steps {
        match step {
            Step::Emit(replies) => events.push(world.emit_for(replies).await),
            Step::Poll => drop(process.stream_poller.poll_once().await.unwrap()),
            Step::Deliver => drop(process.deliver(now).await),
            Step::Wait(millis) => now = now.plus(Duration::from_millis(millis)),
            Step::Save => drop(process.stream_poller.save_cursor().await),
            Step::Restart => {
                world.embedded.stop_injecting();
                process = world.start().await;
            }
            Step::Refuse(false) => world.embedded.stop_injecting(),
            Step::Refuse(true) => world.embedded.inject(Arc::new(refuse_rows)),
            Step::Stop(false) => process.broker.switch().stop([]),
            Step::Stop(true) => {
                process.broker.switch().stop([CONSUMER.to_owned()]);
                process.broker.store_ready(CONSUMER).await;
            }
        }
        check(world, &process, &events).await;
    }
    world.embedded.stop_injecting();
    process.broker.switch().stop([]);
    process.drain(now.plus(POLICY.cap)).await;
    check(world, &process, &events).await;
    let dead: BTreeSet<String> = world.dead().await.iter().map(|row| row.id().to_owned()).collect();
    for event in &events {
        let ended = world.target.times_done(event) > 0 || dead.contains(&event.id.to_string());
        assert!(ended, "{} was lost", event.id);
    }
    assert!(world.delayed().await.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_cursor_never_passes_what_is_not_done(
        held_max in 0_usize..4,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { take(&World { held_max, ..World::new().await }, steps).await });
    }
}
