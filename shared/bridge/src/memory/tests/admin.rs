//! Dead letters are listed, replaced, replayed and purged, and never lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{Event, EventData, InventoryReleased, Quantities, Sku, Timestamp};
use orderflow_embedded::Fault;
use orderflow_messaging::{AttemptHistory, DeadLetter, QueueAdmin, QueueStatus, Selection};
use tokio::sync::Notify;

use super::super::MemoryAdmin;
use super::world::{CONSUMER, Process, Reply, World};
use crate::DeadLetterRow;

fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(1))
}

fn admin(process: &Process) -> MemoryAdmin {
    MemoryAdmin::new(process.broker.clone())
}

/// Returns a process with this number of dead letters.
async fn with_dead(world: &World, count: usize) -> (Process, Vec<Event>) {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(world.emit_for([Reply::Dead]).await);
    }
    let mut process = world.start().await;
    process.drain(now()).await;
    assert_eq!(world.dead().await.len(), count);
    (process, events)
}

async fn replay(process: &Process, selection: &Selection) -> u64 {
    admin(process).replay(CONSUMER, selection, &|| {}).await.unwrap()
}

fn ids(events: &[Event]) -> Selection {
    Selection::Ids(events.iter().map(|event| event.id.to_string()).collect())
}

/// Returns the event with one more line.
fn edited(event: &Event) -> Event {
    let EventData::InventoryReleased(data) = &event.data else { panic!("{event:?}") };
    let line = Quantities { sku: Sku::parse("MUG").unwrap(), quantity: 1 };
    let data = InventoryReleased { items: vec![line], ..data.clone() };
    Event { data: EventData::InventoryReleased(data), ..event.clone() }
}

#[tokio::test]
async fn a_dead_letter_is_listed_replaced_replayed_and_processed() {
    let world = World::new().await;
    let started = Timestamp::now();
    let (mut process, events) = with_dead(&world, 1).await;
    let event = &events[0];
    let listed = admin(&process).dead_letters(CONSUMER).await.unwrap();
    let letter = &listed[0];
    assert_eq!((letter.id.as_str(), letter.consumer.as_str()), (event.id.to_string().as_str(), CONSUMER));
    assert_eq!(
        (letter.code.as_str(), letter.reason.as_str(), letter.attempts),
        ("bad", "told to dead-letter", 1)
    );
    assert!(started <= letter.first_at.unwrap() && letter.first_at <= letter.last_at, "{letter:?}");
    assert_eq!(letter.body, event.to_json());

    let edited = edited(event);
    assert!(admin(&process).replace(CONSUMER, &letter.id, &edited).await.unwrap());
    let listed = admin(&process).dead_letters(CONSUMER).await.unwrap();
    assert_eq!((listed.len(), listed[0].body.as_str()), (1, edited.to_json().as_str()));
    assert_eq!((listed[0].code.as_str(), listed[0].attempts), ("bad", 1), "its history is unchanged");

    assert_eq!(replay(&process, &Selection::All).await, 1);
    let rows = world.delayed().await;
    assert_eq!((rows[0].body.as_str(), rows[0].attempts), (edited.to_json().as_str(), 0));
    assert_eq!(rows[0].id(), event.id.to_string());
    process.work(now()).await;
    assert_eq!(world.target.attempts(event), [1, 1], "its attempts start again");
    assert_eq!(world.target.times_done(event), 1);
    assert!(world.delayed().await.is_empty() && world.dead().await.is_empty());
}

#[tokio::test]
async fn a_replay_reaches_a_running_consumer_at_once() {
    let world = World::new().await;
    let (process, events) = with_dead(&world, 1).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(process.broker.clone().run(CONSUMER, world.target.clone(), stopped));
    assert_eq!(replay(&process, &Selection::All).await, 1);
    let done = async {
        while world.target.times_done(&events[0]) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), done).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_replayed_message_can_be_dead_lettered_again() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Dead, Reply::Retry(None), Reply::Dead]).await;
    let mut process = world.start().await;
    process.drain(now()).await;
    assert_eq!(replay(&process, &Selection::All).await, 1);
    process.drain(now()).await;
    let dead = world.dead().await;
    assert_eq!((dead.len(), dead[0].id(), dead[0].attempts), (1, event.id.to_string().as_str(), 2));
    assert!(world.delayed().await.is_empty());
    assert_eq!(replay(&process, &ids(&[event])).await, 1, "it keeps its id");
}

#[tokio::test]
async fn replay_and_purge_affect_only_the_selection() {
    let world = World::new().await;
    let (mut process, events) = with_dead(&world, 4).await;
    assert_eq!(replay(&process, &Selection::Code("good".to_owned())).await, 0);
    assert_eq!(replay(&process, &ids(&events[..1])).await, 1);
    assert_eq!(replay(&process, &ids(&events[..1])).await, 0, "it is no longer a dead letter");
    assert_eq!(admin(&process).purge(CONSUMER, &ids(&events[1..2])).await.unwrap(), 1);
    assert_eq!(replay(&process, &Selection::Code("bad".to_owned())).await, 2);
    process.work(now()).await;
    let done: Vec<usize> = events.iter().map(|event| world.target.times_done(event)).collect();
    assert_eq!(done, [1, 0, 1, 1]);
    let admin = admin(&process);
    assert!(!admin.replace(CONSUMER, &events[1].id.to_string(), &events[1]).await.unwrap());
    assert_eq!(admin.dead_letters("unknown").await.unwrap(), []);
}

#[tokio::test]
async fn queues_report_their_counts() {
    let world = World::new().await;
    let (process, _) = with_dead(&world, 2).await;
    let statuses = admin(&process).queues().await.unwrap();
    assert_eq!(statuses.len(), orderflow_messaging::SUBSCRIPTIONS.len());
    let expected = QueueStatus { consumer: CONSUMER.to_owned(), dead: 2, ..QueueStatus::default() };
    assert_eq!(statuses[0], expected);
    replay(&process, &Selection::All).await;
    let statuses = admin(&process).queues().await.unwrap();
    assert_eq!(statuses[0], QueueStatus { ready: 2, dead: 0, ..expected });
}

#[tokio::test]
async fn a_replay_outlives_the_process() {
    let world = World::new().await;
    let (process, events) = with_dead(&world, 1).await;
    replay(&process, &Selection::All).await;
    // The process ends before it delivers.
    drop(process);
    let mut process = world.start().await;
    process.work(now()).await;
    assert_eq!(world.target.times_done(&events[0]), 1);
    assert!(world.delayed().await.is_empty() && world.dead().await.is_empty());
}

#[tokio::test]
async fn two_replays_at_once_replay_each_letter_once() {
    let world = World::new().await;
    let (mut process, events) = with_dead(&world, 20).await;
    let all = Selection::All;
    let (one, other) = tokio::join!(replay(&process, &all), replay(&process, &all));
    assert_eq!(one + other, 20);
    process.work(now()).await;
    assert!(events.iter().all(|event| world.target.times_done(event) == 1));
}

#[tokio::test]
async fn a_replay_beside_a_delayed_message_with_its_id_loses_neither() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(Some(60_000))]).await;
    let mut process = world.start().await;
    process.work(now()).await;
    let history = AttemptHistory { attempts: 1, first_at: Timestamp::now() };
    let body = edited(&event).to_json();
    let letter = DeadLetter::new(CONSUMER, &body, (&"bad".into(), ""), history, Timestamp::now());
    let write = world.runtime().write_dead_letter(&DeadLetterRow::new(&letter)).unwrap();
    world.store.write(write).await.unwrap();

    assert_eq!(replay(&process, &Selection::All).await, 1);
    let mut bodies: Vec<String> = world.delayed().await.into_iter().map(|row| row.body).collect();
    bodies.sort_by_key(String::len);
    assert_eq!(bodies, [event.to_json(), body]);
    process.work(now()).await;
    assert_eq!(world.target.times_done(&event), 1);
    assert_eq!(world.delayed().await.len(), 1, "the other message is still delayed");
    process.work(now().plus(Duration::from_secs(60))).await;
    assert_eq!(world.target.times_done(&event), 2);
    assert!(world.delayed().await.is_empty());
}

#[tokio::test]
async fn a_replay_that_cannot_be_written_changes_nothing() {
    let world = World::new().await;
    let (process, _) = with_dead(&world, 2).await;
    world.embedded.inject(Arc::new(|operation: &str, _: &serde_json::Value| {
        (operation == "TransactWriteItems").then_some(Fault::InternalServerError)
    }));
    admin(&process).replay(CONSUMER, &Selection::All, &|| {}).await.unwrap_err();
    world.embedded.stop_injecting();
    assert_eq!((world.dead().await.len(), world.delayed().await.len()), (2, 0));
    assert_eq!(process.broker.counts()[CONSUMER].ready, 0);
}

#[tokio::test]
async fn an_interrupted_replay_loses_nothing_and_can_be_completed() {
    let world = World::new().await;
    let (mut process, events) = with_dead(&world, 10).await;
    let replayed = Notify::new();
    let (admin, progress) = (admin(&process), || replayed.notify_one());
    tokio::select! {
        biased;
        () = replayed.notified() => {}
        _ = admin.replay(CONSUMER, &Selection::All, &progress) => panic!("the replay completed"),
    }
    let left = world.dead().await.len();
    assert!((1..10).contains(&left), "{left}");
    replay(&process, &Selection::All).await;
    process.work(now()).await;
    assert!(events.iter().all(|event| world.target.times_done(event) == 1));
    assert!(world.delayed().await.is_empty() && world.dead().await.is_empty());
}

#[tokio::test]
async fn waiting_and_delayed_messages_are_rewritten_in_memory_and_in_their_rows() {
    let world = World::new().await;
    let delayed = world.emit_for([Reply::Retry(None)]).await;
    let mut process = world.start().await;
    process.work(Timestamp::now()).await;
    let waiting = world.emit().await;
    process.stream_poller.poll_once().await.unwrap();
    let bodies: HashSet<String> = admin(&process).waiting(CONSUMER).await.unwrap().into_iter().collect();
    assert_eq!(bodies, HashSet::from([delayed.to_json(), waiting.to_json()]));

    let replacements = [&delayed, &waiting].map(|event| (event.to_json(), edited(event).to_json()));
    let replacements = HashMap::from(replacements);
    assert_eq!(admin(&process).rewrite(CONSUMER, &replacements).await.unwrap(), 2);
    assert_eq!(admin(&process).rewrite(CONSUMER, &replacements).await.unwrap(), 0);
    assert_eq!(world.delayed().await[0].body, edited(&delayed).to_json());
    process.drain(now()).await;
    assert!(world.delayed().await.is_empty() && world.dead().await.is_empty());
}

#[tokio::test]
async fn two_thousand_dead_letters_are_read_page_by_page() {
    let world = World::new().await;
    let history = AttemptHistory { attempts: 1, first_at: now() };
    let code = (&"bad".into(), "told to dead-letter");
    let letters =
        (0..2_000).map(|n| DeadLetter::new(CONSUMER, &format!("no event {n}"), code, history, now()));
    let rows: Vec<DeadLetterRow> = letters.map(|letter| DeadLetterRow::new(&letter)).collect();
    let writes = rows.iter().map(|row| world.runtime().write_dead_letter(row).unwrap()).collect();
    assert!(world.runtime().write_each(writes).await.iter().all(Result::is_ok));
    let process = world.start().await;
    let admin = admin(&process);
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, None::<String>);
    loop {
        let page = admin.dead_letter_page(CONSUMER, after.as_deref(), 100).await.unwrap();
        assert!(page.letters.len() <= 100);
        ids.extend(page.letters.into_iter().map(|letter| letter.id));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<&str> = rows.iter().map(DeadLetterRow::id).collect();
    expected.sort_unstable();
    assert_eq!((ids.len(), ids.iter().map(String::as_str).collect::<Vec<_>>()), (2_000, expected));
    assert!((20..=21).contains(&pages), "{pages}");
    assert_eq!(admin.dead_letter_codes(CONSUMER).await.unwrap().len(), 2_000);
    assert_eq!(admin.dead_letter(CONSUMER, &ids[7]).await.unwrap().unwrap().id, ids[7]);
    assert_eq!(admin.dead_letter(CONSUMER, "none").await.unwrap(), None);
}
