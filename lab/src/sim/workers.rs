//! The processes of consumers.

use std::time::Duration;

use orderflow_domain::Event;
use orderflow_messaging::{Outcome, QueueResponse, RecordBatch, SUBSCRIPTIONS};
use tokio::time::sleep;

use super::crash::unless_crashed;
use super::fault::{FaultKind, Place};
use super::operations::cancel;
use super::queue::Message;
use super::system::{Function, System};

/// The number of processes of each consumer.
const WORKERS: usize = 2;

/// How long a crashed process takes to start again.
const RESTART: Duration = Duration::from_secs(1);

/// Starts the processes of all consumers.
pub(super) fn start(system: &System) {
    for row in SUBSCRIPTIONS {
        for _ in 0..WORKERS {
            system.world.spawner.spawn(work(system.clone(), row.consumer));
        }
    }
}

async fn work(system: System, consumer: &'static str) {
    loop {
        let function = system.function(consumer);
        work_until_crash(&system, consumer, &function).await;
        sleep(RESTART).await;
    }
}

async fn work_until_crash(system: &System, consumer: &'static str, function: &Function) {
    let place = Place::Consumer(consumer);
    loop {
        system.broker.wait(consumer).await;
        let (number, batch) = system.broker.receive(consumer);
        if batch.is_empty() {
            continue;
        }
        if let Some(amount) = system.world.strikes(FaultKind::CancelRaced, place, number) {
            race(system, &batch[amount as usize % batch.len()]);
        }
        let handling = handle(system, consumer, function, &batch);
        match unless_crashed(&system.world, FaultKind::HandlerCrashed, place, handling).await {
            Some(outcomes) => system.broker.decide(consumer, batch, &outcomes),
            None => return system.broker.return_batch(consumer, batch, fastrand::u32(..)),
        }
    }
}

/// Has the customer cancel the order of a message.
fn race(system: &System, message: &Message) {
    let order = Event::from_json(&message.body).ok().and_then(|event| event.order_id());
    if let Some(order) = order {
        let system = system.clone();
        let task = format!("a cancellation of {order}");
        system.world.begin(&task);
        system.world.spawner.spawn({
            let system = system.clone();
            async move {
                cancel(&system, &order.to_string()).await;
                system.world.finish(&task);
            }
        });
    }
}

async fn handle(
    system: &System,
    consumer: &'static str,
    function: &Function,
    batch: &[Message],
) -> Vec<Outcome> {
    let now = system.world.clock.wall();
    let copies: Vec<u64> = batch.iter().map(|message| message.copy).collect();
    system.world.note(consumer, format_args!("receives copies {copies:?}"));
    let messages = batch.iter().map(|message| (message.body.as_str(), message.history(now)));
    let records = RecordBatch::new("orderflow:simulation", messages);
    let payload = serde_json::to_vec(&records).unwrap_or_default();
    let answer = function(payload).await.map_err(|error| error.to_string());
    let response = answer.and_then(|answer| {
        serde_json::from_slice::<QueueResponse>(&answer).map_err(|error| error.to_string())
    });
    let outcomes =
        response.and_then(|response| response.into_outcomes(&records.records).map_err(|e| e.to_string()));
    // A function whose answer cannot be read has failed for the whole batch, as on Lambda.
    outcomes.unwrap_or_else(|error| vec![Outcome::retry(error); batch.len()])
}
