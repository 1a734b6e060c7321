//! Accounts that lack permissions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orderflow_bridge::rabbitmq::{BrokerAddress, ProbeRoute, RabbitError, RabbitMq, RabbitPublisher};
use orderflow_messaging::Publisher;
use orderflow_testing::rabbitmq::{RabbitMq as Node, shared};
use tokio::time::timeout;

use crate::support::{Scripted, consume_over, eventually, ids, released};

static ACCOUNTS: AtomicUsize = AtomicUsize::new(0);

/// An account of a virtual host.
struct Account {
    node: Arc<Node>,
    name: String,
    virtual_host: String,
    uri: String,
}

impl Account {
    /// Creates an account without permissions, for a virtual host in which everything is declared if `declared` says so.
    async fn new(declared: Declared) -> Self {
        let node = shared::node().await.unwrap();
        let uri = node.fresh_virtual_host().unwrap();
        if declared == Declared::Everything {
            connection(&uri).connect().await.unwrap();
        }
        let name = format!("account-{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
        node.control(&["add_user", &name, "secret"]).unwrap();
        let virtual_host = uri.rsplit('/').next().unwrap().to_owned();
        Self { node, virtual_host, uri: uri.replace("guest:guest", &format!("{name}:secret")), name }
    }

    fn may(&self, configure: &str, write: &str, read: &str) {
        let permissions = ["set_permissions", "-p", &self.virtual_host, &self.name, configure, write, read];
        self.node.control(&permissions).unwrap();
    }

    fn connection(&self) -> Arc<RabbitMq> {
        connection(&self.uri)
    }
}

#[derive(PartialEq, Eq)]
enum Declared {
    Nothing,
    Everything,
}

fn connection(uri: &str) -> Arc<RabbitMq> {
    RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_declare_works_where_everything_exists() {
    let account = Account::new(Declared::Everything).await;
    // The least permissions, as the documents list them.
    account.may("^$", r"^(orderflow\.events|amq\.default)$", r"^orderflow\.");
    let broker = account.connection();
    broker.connect().await.unwrap();
    assert_eq!(broker.reconcile().await.unwrap(), Vec::<String>::new());
    let events: Vec<_> = (0..100).map(|_| released()).collect();
    let results = RabbitPublisher::new(broker.clone()).publish(&events).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let doer = Arc::new(Scripted::default());
    let running = consume_over(broker.beside(), doer.clone());
    eventually("all events are processed", async || doer.done_ids() == ids(&events)).await;
    broker.inspect(&[ProbeRoute::Events, ProbeRoute::Retries]).await.unwrap();
    assert!(broker.is_up().await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_permissions_are_named_if_something_has_to_be_declared() {
    let account = Account::new(Declared::Nothing).await;
    account.may("^$", ".*", ".*");
    let error = account.connection().connect().await.unwrap_err();
    assert!(matches!(error, RabbitError::Forbidden { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("configure on exchange 'orderflow.events', 35 queues"), "{text}");
    account.may(r"^orderflow\.events$", ".*", ".*");
    let text = account.connection().connect().await.unwrap_err().to_string();
    assert!(text.contains("configure on 35 queues (queue 'orderflow."), "{text}");
    account.may(".*", ".*", ".*");
    account.connection().connect().await.unwrap();
}

/// The permissions cover the names of the exchange and the queues, but not the default exchange, over which retries and dead letters go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_publish_retries_is_noticed() {
    let account = Account::new(Declared::Everything).await;
    account.may("^orderflow", "^orderflow", "^orderflow");
    let broker = account.connection();
    broker.connect().await.unwrap();
    broker.inspect(&[ProbeRoute::Events]).await.unwrap();
    let error = broker.inspect(&[ProbeRoute::Retries]).await.unwrap_err().to_string();
    assert!(error.contains("write on exchange 'amq.default'"), "{error}");
    let empty = Account::new(Declared::Nothing).await;
    empty.may("^orderflow", "^orderflow", "^orderflow");
    let error = empty.connection().connect().await.unwrap_err().to_string();
    assert!(error.contains("lacks write on exchange 'amq.default'"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_that_is_lost_later_is_noticed() {
    let account = Account::new(Declared::Everything).await;
    account.may(".*", ".*", ".*");
    let broker = account.connection();
    broker.inspect(&[ProbeRoute::Events]).await.unwrap();
    account.may(".*", "^$", ".*");
    let noticed =
        eventually("the refusal is noticed", async || match broker.inspect(&[ProbeRoute::Events]).await {
            Ok(_) => false,
            Err(error) => {
                assert!(error.to_string().contains("write on exchange 'orderflow.events'"), "{error}");
                true
            }
        });
    timeout(Duration::from_secs(10), noticed).await.unwrap();
}
