//! Messages that end their consumer.

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

/// Never answers for a batch with the killer in it, and says that it has one; does all others.
struct Victim {
    killer: String,
    struck: Notify,
    done: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Target for Victim {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let batch: SqsEvent = serde_json::from_slice(&payload).unwrap();
        let events: Vec<Event> = batch
            .records
            .iter()
            .map(|record| Event::from_json(record.body.as_deref().unwrap()).unwrap())
            .collect();
        let found: BTreeSet<String> = events.iter().map(|event| event.id.to_string()).collect();
        if found.contains(&self.killer) {
            self.struck.notify_one();
            std::future::pending::<()>().await;
        }
        self.done.lock().unwrap().extend(found);
        Ok(br#"{"batchItemFailures":[]}"#.to_vec())
    }
}

/// It is found out and given up; its neighbours, delivered together with it again and again, are all done and none of them given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killer_is_isolated_and_given_up_and_its_neighbours_are_done() {
    let world = World::new().await;
    let events = world.publish(300).await;
    let killer = events[150].id.to_string();
    let victim = Arc::new(Victim { killer: killer.clone(), struck: Notify::new(), done: Mutex::default() });
    let policy = RetryPolicy { max_attempts: 3, min_age: Duration::ZERO, ..RetryPolicy::default() };
    let start = || -> Running { consume_with(world.broker.clone(), victim.clone(), policy.clone()) };
    let mut deaths = 0;
    let last = loop {
        let running = start();
        tokio::select! {
            () = victim.struck.notified() => {
                running.kill().await;
                deaths += 1;
                assert!(deaths < 30, "it is never given up");
            }
            () = eventually("it is given up", async || world.dead_count().await == 1) => break running,
        }
    };
    let mut neighbours = ids(&events);
    neighbours.remove(&killer);
    eventually("all others are done", async || *victim.done.lock().unwrap() == neighbours).await;
    last.stop().await;
    let dead = world.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id.as_str(), dead[0].code.as_str()), (killer.as_str(), "attempts-exhausted"));
    assert!(deaths > 3, "{deaths}");
}
