//! Broken connections, and connections to a peer that does not answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitMq, RabbitPublisher};
use orderflow_messaging::Publisher;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{Scripted, World, consume_over, eventually, ids, released};

/// A proxy to the broker whose connections the test can break.
struct Line {
    address: SocketAddr,
    /// Changes with each cut.
    cuts: watch::Sender<u32>,
}

impl Line {
    async fn to(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (cuts, cut)) = (listener.local_addr().unwrap(), watch::channel(0));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(broker).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts }
    }

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    fn broker(&self, uri: &str) -> Arc<RabbitMq> {
        let (_, rest) = uri.split_once('@').unwrap();
        let (_, virtual_host) = rest.split_once('/').unwrap();
        let uri = format!("amqp://guest:guest@{}/{virtual_host}", self.address).parse().unwrap();
        RabbitMq::new(BrokerAddress { uri, ca_certificates: None })
    }
}

/// Publisher and consumer reconnect, and unconfirmed events are published again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h10_a_repeatedly_broken_connection_loses_nothing() {
    let world = World::new().await;
    let line = Line::to(world.node_address()).await;
    let (publishing, consuming) = (line.broker(&world.uri), line.broker(&world.uri));
    let doer = Arc::new(Scripted::default());
    let running = consume_over(consuming, doer.clone());
    let publisher = RabbitPublisher::new(publishing);
    let events: Vec<_> = (0..3_000).map(|_| released()).collect();
    let cutting = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            line.cut();
        }
    };
    let sending = async {
        for batch in events.chunks(200) {
            while publisher.publish(batch).await.iter().any(Result::is_err) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    tokio::join!(cutting, sending);
    eventually("all events are processed", async || doer.done_ids() == ids(&events)).await;
    running.stop().await;
    assert!(world.dead().await.is_empty());
}

/// A peer that accepts connections and does not answer is reported as unreachable after a time limit.
#[tokio::test]
async fn a_peer_that_does_not_answer_is_unreachable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("amqp://guest:guest@{}", silent.local_addr().unwrap()).parse().unwrap();
    let broker = RabbitMq::new(BrokerAddress { uri, ca_certificates: None });
    let error = tokio::time::timeout(Duration::from_secs(30), broker.connect()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!broker.is_up().await);
}

/// However many callers need a connection, the attempts to open it are few and have pauses between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_is_tried_with_pauses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("amqp://guest:guest@{}", listener.local_addr().unwrap()).parse().unwrap();
    let broker = RabbitMq::new(BrokerAddress { uri, ca_certificates: None });
    let tried = Arc::new(AtomicUsize::default());
    let counting = tried.clone();
    // Closes each connection at once.
    let closing = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counting.fetch_add(1, Ordering::SeqCst);
        }
    });
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        let error = broker.connect().await.unwrap_err();
        assert!(error.to_string().contains("cannot be reached"), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    closing.abort();
    let tried = tried.load(Ordering::SeqCst);
    // Two TCP connections for each attempt, and at least 250 ms between two attempts.
    assert!((2..=26).contains(&tried), "{tried} connections in 3 s");
}
