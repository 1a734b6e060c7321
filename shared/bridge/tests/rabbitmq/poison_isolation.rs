//! Messages that end their consumer's process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsEvent;
use orderflow_bridge::{Target, TargetError};
use orderflow_domain::Event;
use orderflow_messaging::RetryPolicy;
use tokio::sync::Notify;

use crate::support::{Running, World, consume_with, eventually, ids};

/// Never answers for a batch with the poison message, and notifies the test of it. Processes all other batches.
struct Poisoned {
    poison: String,
    received_poison: Notify,
    done: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Target for Poisoned {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let batch: SqsEvent = serde_json::from_slice(&payload).unwrap();
        let events: Vec<Event> = batch
            .records
            .iter()
            .map(|record| Event::from_json(record.body.as_deref().unwrap()).unwrap())
            .collect();
        let found: BTreeSet<String> = events.iter().map(|event| event.id.to_string()).collect();
        if found.contains(&self.poison) {
            self.received_poison.notify_one();
            std::future::pending::<()>().await;
        }
        self.done.lock().unwrap().extend(found);
        Ok(br#"{"batchItemFailures":[]}"#.to_vec())
    }
}

/// The poison message is isolated and dead-lettered. Its neighbours, which were in flight with it many times, are all processed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_message_is_isolated_and_dead_lettered_and_its_neighbours_are_done() {
    let world = World::new().await;
    let events = world.publish(300).await;
    let poison = events[150].id.to_string();
    let function =
        Arc::new(Poisoned { poison: poison.clone(), received_poison: Notify::new(), done: Mutex::default() });
    let policy = RetryPolicy { max_attempts: 3, min_age: Duration::ZERO, ..RetryPolicy::default() };
    let start = || -> Running { consume_with(world.broker.clone(), function.clone(), policy.clone()) };
    let mut deaths = 0;
    let last = loop {
        let running = start();
        tokio::select! {
            () = function.received_poison.notified() => {
                running.kill().await;
                deaths += 1;
                assert!(deaths < 30, "the poison message is never dead-lettered");
            }
            () = eventually("the poison message is dead-lettered", async || world.dead_count().await == 1) => break running,
        }
    };
    let mut neighbours = ids(&events);
    neighbours.remove(&poison);
    eventually("all others are processed", async || *function.done.lock().unwrap() == neighbours).await;
    last.stop().await;
    let dead = world.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id.as_str(), dead[0].code.as_str()), (poison.as_str(), "attempts-exhausted"));
    assert!(deaths > 3, "{deaths}");
}
