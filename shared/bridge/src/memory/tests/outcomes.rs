//! The effect of each outcome on a message.

use std::time::Duration;

use orderflow_domain::Timestamp;

use super::world::{CONSUMER, POLICY, Reply, World};

fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(1))
}

#[tokio::test]
async fn a_processed_message_leaves_no_row() {
    let world = World::new().await;
    let events = [world.emit().await, world.emit().await];
    let mut process = world.start().await;
    process.work(now()).await;
    assert_eq!(world.target.take_batches().len(), 1, "one batch");
    assert!(events.iter().all(|event| world.target.times_done(event) == 1));
    assert!(world.delayed().await.is_empty() && world.dead().await.is_empty());
    let last = process.relay.sequence_numbers.lock().unwrap()[&events[1].id.to_string()];
    assert_eq!(world.cursor().await, (Some(last), 0));
}

#[tokio::test]
async fn a_retry_is_delivered_at_its_time() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(Some(5_000))]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    let rows = world.delayed().await;
    assert_eq!(rows[0].id(), event.id.to_string());
    assert_eq!((rows[0].attempts, rows[0].due), (1, now.plus(Duration::from_secs(5))));
    assert_eq!(rows[0].reason, "told to");
    assert_eq!(process.broker.next_due(), Some(rows[0].due));

    process.work(now.plus(Duration::from_millis(4_999))).await;
    assert_eq!(world.target.attempts(&event), [1]);
    process.work(rows[0].due).await;
    assert_eq!(world.target.attempts(&event), [1, 2]);
    assert!(world.delayed().await.is_empty(), "the row is deleted after the retry succeeded");
}

#[tokio::test]
async fn a_retry_without_a_delay_uses_that_of_the_policy() {
    let world = World::new().await;
    world.emit_for([Reply::Retry(None)]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    let wait = process.broker.next_due().unwrap().since(now);
    assert!((POLICY.base / 2..=POLICY.cap).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_dead_letter_keeps_its_code_and_reason() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(None), Reply::Dead]).await;
    let mut process = world.start().await;
    process.drain(now()).await;
    let dead = world.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].code.as_str(), dead[0].reason.as_str()), ("bad", "told to dead-letter"));
    assert_eq!((dead[0].attempts, dead[0].body.as_str()), (2, event.to_json().as_str()));
    assert!(world.delayed().await.is_empty(), "the row is deleted after the dead letter is stored");
}

/// After a batch failed as a whole, each of its messages is delivered alone and only the faulty one is retried.
async fn fails_alone(reply: Reply) {
    let world = World::new().await;
    let (before, faulty) = (world.emit().await, world.emit_for([reply, reply]).await);
    let after = world.emit().await;
    let mut process = world.start().await;
    process.work(now()).await;
    let sizes: Vec<_> = world.target.take_batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 1, 1, 1], "{reply:?}");
    assert_eq!((world.target.times_done(&before), world.target.times_done(&after)), (1, 1), "{reply:?}");
    let rows = world.delayed().await;
    assert_eq!(
        (rows.len(), rows[0].id(), rows[0].attempts),
        (1, faulty.id.to_string().as_str(), 1),
        "{reply:?}"
    );
    process.drain(now()).await;
    assert_eq!(world.target.times_done(&faulty), 1, "{reply:?}");
}

#[tokio::test]
async fn a_failed_batch_is_delivered_one_by_one() {
    fails_alone(Reply::Fail).await;
}

#[tokio::test]
async fn a_batch_whose_function_panics_is_delivered_one_by_one() {
    fails_alone(Reply::Panic).await;
}

#[tokio::test]
async fn an_invalid_response_fails_its_batch() {
    fails_alone(Reply::Answer("nonsense")).await;
    fails_alone(Reply::Answer("{}")).await;
    fails_alone(Reply::Answer(r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#)).await;
    fails_alone(Reply::Answer(r#"{"batchItemFailures":[{"itemIdentifier":"3"}]}"#)).await;
}

#[tokio::test]
async fn a_message_is_given_up_only_after_its_last_attempt() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(None); 9]).await;
    let (mut process, start) = (world.start().await, now());
    for attempt in 0..4 {
        process.work(start.plus(POLICY.cap * attempt)).await;
    }
    assert!(world.dead().await.is_empty(), "the message is younger than the minimum age");
    process.work(start.plus(POLICY.min_age)).await;
    assert_eq!(world.target.attempts(&event), [1, 2, 3, 4, 5]);
    let dead = world.dead().await;
    assert_eq!((dead[0].code.as_str(), dead[0].reason.as_str()), ("attempts-exhausted", "told to"));
    assert_eq!(dead[0].attempts, 5);
    assert!(process.broker.next_due().is_none());
}

#[tokio::test]
async fn a_stopped_consumer_gets_nothing_until_it_resumes() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(Some(1))]).await;
    let mut process = world.start().await;
    process.work(now()).await;
    process.broker.switch().stop([CONSUMER.to_owned()]);
    let waiting = world.emit().await;
    let later = now().plus(Duration::from_secs(60));
    process.work(later).await;
    assert!(process.broker.switch().is_stopped(CONSUMER));
    assert_eq!((world.target.attempts(&event).len(), world.target.attempts(&waiting).len()), (1, 0));
    assert_eq!(process.broker.next_due(), None, "nothing of a stopped consumer's is due");
    let counts = process.broker.counts()[CONSUMER];
    assert_eq!((counts.ready, counts.in_flight, counts.delayed), (1, 0, 1));
    process.broker.switch().stop([]);
    process.work(later).await;
    assert_eq!((world.target.times_done(&event), world.target.times_done(&waiting)), (1, 1));
}
