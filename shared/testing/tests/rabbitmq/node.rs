//! The harness: nodes that are stopped, killed, restarted and shared. Running processes are read from `/proc`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use orderflow_testing::Error;
use orderflow_testing::rabbitmq::{RabbitMq, shared};
use tokio::net::TcpStream;

const QUEUE: &str = "parcels";

async fn channel_to(broker: &RabbitMq) -> Channel {
    channel_at(&broker.uri()).await
}

async fn channel_at(uri: &str) -> Channel {
    let connection = Connection::connect(uri, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel
}

async fn declare(channel: &Channel) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
}

/// Publishes a message and waits for the confirm of the broker.
async fn publish(channel: &Channel, body: &str) {
    let persistent = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    let confirm = channel.basic_publish("".into(), QUEUE.into(), options, body.as_bytes(), persistent).await;
    assert!(confirm.unwrap().await.unwrap().is_ack());
}

async fn take(channel: &Channel) -> Option<String> {
    let message = channel.basic_get(QUEUE.into(), BasicGetOptions { no_ack: true }).await.unwrap()?;
    Some(String::from_utf8(message.delivery.data.clone()).unwrap())
}

/// Returns a variable from the initial environment of a process.
fn variable(process: &Path, name: &str) -> Option<String> {
    let environment = std::fs::read(process.join("environ")).ok()?;
    let environment = String::from_utf8_lossy(&environment);
    environment
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then(|| value.to_owned()))
}

/// Returns the folders in `/proc` of running processes that were started with this variable.
fn processes_with(name: &str, value: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    all.filter(|process| variable(process, name).is_some_and(|found| found == value)).collect()
}

/// Returns the home folder of a node and its helpers.
fn home_of(broker: &RabbitMq) -> String {
    let port = broker.address().port().to_string();
    let node = processes_with("RABBITMQ_NODE_PORT", &port).into_iter().next().unwrap();
    variable(&node, "HOME").unwrap()
}

/// Waits until no process has this home: helpers end by themselves after the node.
async fn assert_no_process_has_home(home: &str) {
    let started = Instant::now();
    loop {
        let left = processes_with("HOME", home);
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "still running: {left:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn confirmed_messages_survive_a_kill_and_a_stop_on_the_same_ports() {
    let mut broker = RabbitMq::start().await.unwrap();
    let uri = broker.uri();
    let channel = channel_to(&broker).await;
    declare(&channel).await;
    publish(&channel, "before the kill").await;
    broker.queue_is_on_disk(QUEUE).await.unwrap();

    broker.kill();
    assert!(TcpStream::connect(broker.address()).await.is_err());
    broker.restart().await.unwrap();
    assert_eq!(broker.uri(), uri);
    let channel = channel_to(&broker).await;
    assert_eq!(take(&channel).await.as_deref(), Some("before the kill"));
    publish(&channel, "before the stop").await;

    broker.stop().await.unwrap();
    assert!(TcpStream::connect(broker.address()).await.is_err());
    broker.restart().await.unwrap();
    let channel = channel_to(&broker).await;
    assert_eq!(take(&channel).await.as_deref(), Some("before the stop"));
    assert_eq!(take(&channel).await, None);
}

#[tokio::test]
async fn two_nodes_share_nothing_and_leave_no_processes() {
    let (one, two) = tokio::join!(RabbitMq::start(), RabbitMq::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    let (first_home, second_home) = (home_of(&one), home_of(&two));
    assert_ne!(first_home, second_home);

    let (first, second) = tokio::join!(channel_to(&one), channel_to(&two));
    tokio::join!(declare(&first), declare(&second));
    publish(&first, "for the first").await;
    assert_eq!(take(&second).await, None);

    drop(one);
    assert_no_process_has_home(&first_home).await;
    assert!(!Path::new(&first_home).exists());
    publish(&second, "the second still runs").await;

    drop(two);
    assert_no_process_has_home(&second_home).await;
    assert!(!Path::new(&second_home).exists());
}

#[tokio::test]
async fn tests_share_a_node_but_no_virtual_host() {
    let (one, two) = tokio::join!(shared::node(), shared::node());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.address(), two.address());
    let (first, second) = (one.fresh_virtual_host().unwrap(), two.fresh_virtual_host().unwrap());
    assert_ne!(first, second);

    let (first, second) = tokio::join!(channel_at(&first), channel_at(&second));
    tokio::join!(declare(&first), declare(&second));
    publish(&first, "for the first").await;
    assert_eq!(take(&second).await, None);
    assert_eq!(take(&first).await.as_deref(), Some("for the first"));
}

#[tokio::test]
async fn a_virtual_host_is_used_once() {
    let mut broker = RabbitMq::start_with_virtual_hosts(1).await.unwrap();
    let uri = broker.fresh_virtual_host().unwrap();
    assert!(matches!(broker.fresh_virtual_host(), Err(Error::NoVirtualHostLeft { started_with: 1 })));
    let channel = channel_at(&uri).await;
    declare(&channel).await;
    publish(&channel, "before the stop").await;

    broker.restart().await.unwrap();
    let channel = channel_at(&uri).await;
    assert_eq!(take(&channel).await.as_deref(), Some("before the stop"));
}
