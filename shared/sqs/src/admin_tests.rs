use orderflow_domain::{EventData, InventoryReleased, OrderId, Timestamp};

use super::*;
use crate::stub::{Shared, queues};

const CONSUMER: &str = "payment";

fn event() -> Event {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None)
}

/// Returns an administrator of more dead letters than one request returns.
async fn admin() -> (SqsAdmin, Shared, Vec<Event>) {
    let events: Vec<_> = (0..12).map(|_| event()).collect();
    let (queues, held) = queues(&events.iter().map(Event::to_json).collect::<Vec<_>>()).await;
    (SqsAdmin::of_polled(Arc::new(queues)), held, events)
}

fn refuse(held: &Shared, operation: &'static str, done_before: usize) {
    held.lock().unwrap().refused = Some((operation, done_before));
}

fn invisible(held: &Shared) -> usize {
    held.lock().unwrap().letters.iter().filter(|letter| letter.invisible).count()
}

#[tokio::test]
async fn a_listing_makes_all_letters_visible_again() {
    let (admin, held, events) = admin().await;
    assert_eq!(admin.dead_letters(CONSUMER).await.unwrap().len(), events.len());
    assert_eq!(invisible(&held), 0);
    let page = admin.dead_letter_page(CONSUMER, None, 5).await.unwrap();
    assert_eq!((page.letters.len(), page.next.is_some(), invisible(&held)), (5, true, 0));
}

#[tokio::test]
async fn a_failed_listing_makes_its_letters_visible_again() {
    let (admin, held, _) = admin().await;
    refuse(&held, "ReceiveMessage", 1);
    let error = admin.dead_letters(CONSUMER).await.unwrap_err();
    assert!(error.to_string().contains("ReceiveMessage failed"), "{error}");
    assert_eq!(invisible(&held), 0);
}

#[tokio::test]
async fn ready_messages_are_replaced_and_the_others_stay_visible() {
    let (admin, held, events) = admin().await;
    let bodies = admin.waiting(CONSUMER).await.unwrap();
    assert_eq!((bodies.len(), invisible(&held)), (events.len(), 0));
    let [old, new] = [events[3].to_json(), event().to_json()];
    let replacements = HashMap::from([(old.clone(), new.clone()), ("another".to_owned(), String::new())]);
    assert_eq!(admin.rewrite(CONSUMER, &replacements).await.unwrap(), 1);
    let bodies = admin.waiting(CONSUMER).await.unwrap();
    assert_eq!((bodies.len(), bodies.contains(&old), bodies.contains(&new)), (events.len(), false, true));
    assert_eq!(invisible(&held), 0);
    for failing in ["ReceiveMessage", "SendMessage", "DeleteMessageBatch"] {
        refuse(&held, failing, usize::from(failing == "ReceiveMessage"));
        let replacements = HashMap::from([(events[4].to_json(), new.clone())]);
        assert!(admin.rewrite(CONSUMER, &replacements).await.is_err(), "{failing}");
        assert_eq!(invisible(&held), 0, "{failing}");
        held.lock().unwrap().refused = None;
    }
}

#[tokio::test]
async fn a_failed_operation_makes_its_letters_visible_again() {
    let (admin, held, events) = admin().await;
    let id = events[0].id.to_string();
    refuse(&held, "SendMessage", 0);
    assert!(admin.replace(CONSUMER, &id, &event()).await.is_err());
    assert_eq!(invisible(&held), 0, "after a replacement");
    assert!(admin.replay(CONSUMER, &Selection::All, &|| {}).await.is_err());
    assert_eq!(invisible(&held), 0, "after a replay");
    refuse(&held, "DeleteMessageBatch", 0);
    assert!(admin.purge(CONSUMER, &Selection::Ids(vec![id])).await.is_err());
    assert_eq!(invisible(&held), 0, "after a purge");
}
