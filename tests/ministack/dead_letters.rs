//! A poison message on an SQS queue, listed and corrected while the system is stopped and running.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_bridge::{ConsumerSwitch, sdk_config};
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Timestamp};
use orderflow_messaging::{
    Consumer, DeadLetter, Delivery, Outcome, QueueAdmin, QueueFunction, RetryPolicy, Selection,
};
use orderflow_sqs::{Sqs, SqsAdmin, SqsConsumer, SqsNames, SqsTopology};
use orderflow_testing::ministack;
use tokio::sync::watch;
use uuid::Uuid;

use crate::mode::executable;

const CONSUMER: &str = "order-tracker";

/// A consumer that acknowledges everything.
struct Tracker;

#[async_trait::async_trait]
impl Consumer for Tracker {
    fn name(&self) -> &'static str {
        CONSUMER
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        vec![Outcome::Done; batch.len()]
    }
}

fn event() -> Event {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None)
}

async fn eventually(what: &str, probe: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !probe().await {
        assert!(started.elapsed() < Duration::from_secs(60), "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn letters(admin: &SqsAdmin) -> Vec<DeadLetter> {
    admin.dead_letters(CONSUMER).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_corrected_and_replayed_and_listing_loses_nothing() {
    let stack = ministack::shared(&executable()).await.unwrap();
    let config = sdk_config(Some(stack.endpoint())).await;
    let names = SqsNames::new(format!("t{}", Uuid::new_v4().simple()));
    assert!(Sqs::find(&config, names.clone()).await.is_err(), "finding creates nothing");
    let (sns, client) = (aws_sdk_sns::Client::new(&config), aws_sdk_sqs::Client::new(&config));
    let topology = SqsTopology::ensure(&sns, &client, &names).await.unwrap();
    assert_eq!(
        SqsTopology::ensure(&sns, &client, &names).await.unwrap(),
        topology,
        "a second call changes nothing"
    );
    let queue = &topology.queues.of(CONSUMER).unwrap().queue;
    for poison in ["no JSON", "[]"] {
        client.send_message().queue_url(queue).message_body(poison).send().await.unwrap();
    }

    let queues = Arc::new(Sqs::find(&config, names.clone()).await.unwrap());
    let admin = SqsAdmin::new(queues.clone());
    let target = Arc::new(QueueFunction::new(Tracker, RetryPolicy::default()));
    let (policy, switch) = (RetryPolicy::default(), ConsumerSwitch::default());
    let consumer = SqsConsumer { queues: queues.clone(), consumer: CONSUMER, target, policy, switch };
    let (stop, stopped) = watch::channel(false);
    let consuming = tokio::spawn(consumer.run(stopped));
    eventually("both are dead", async || letters(&admin).await.len() == 2).await;

    let found = letters(&admin).await;
    assert!(
        found.iter().all(|letter| (letter.code.as_str(), letter.attempts) == ("undecodable", 1)),
        "{found:?}"
    );
    assert!(found.iter().all(|letter| letter.first_at.is_some() && letter.last_at.is_some()), "{found:?}");
    let id = found.iter().find(|letter| letter.body == "no JSON").unwrap().id.clone();

    let repaired = event();
    assert!(admin.replace(CONSUMER, &id, &repaired).await.unwrap());
    let after = letters(&admin).await;
    let letter = after.iter().find(|letter| letter.id == id).unwrap();
    assert_eq!((letter.body.as_str(), letter.code.as_str()), (repaired.to_json().as_str(), "undecodable"));
    assert!(!admin.replace(CONSUMER, "unknown", &repaired).await.unwrap());

    assert_eq!(admin.replay(CONSUMER, &Selection::Ids(vec![id]), &|| {}).await.unwrap(), 1);
    let is_worked_off = async || {
        let status = admin.queues().await.unwrap();
        let status = status.into_iter().find(|status| status.consumer == CONSUMER).unwrap();
        status.ready + status.in_flight + status.delayed == 0 && status.dead == 1
    };
    eventually("the corrected message is processed", is_worked_off).await;
    assert_eq!(admin.purge(CONSUMER, &Selection::Code("other".to_owned())).await.unwrap(), 0);
    assert_eq!(admin.purge(CONSUMER, &Selection::All).await.unwrap(), 1);
    assert!(letters(&admin).await.is_empty());
    stop.send_replace(true);
    consuming.await.unwrap();
}
