//! Forgetting customers over RabbitMQ: afterwards no message has an address, and after a restart of the broker none of its files.

use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitAdmin, RabbitMq as Connection};
use orderflow_messaging::{QueueAdmin, SUBSCRIPTIONS};
use orderflow_testing::program::wait_until;
use orderflow_testing::rabbitmq::RabbitMq;

use crate::customers::{ADDRESSES, TEXT, check_output, drain, fill_and_forget, found, found_in, mail_server};
use crate::server::{Server, up};

/// Returns the bodies of all messages: ready, delayed and dead.
async fn messages(node: &RabbitMq) -> String {
    let address = BrokerAddress { uri: node.uri().parse().unwrap(), ca_certificates: None };
    let admin = RabbitAdmin::new(Connection::new(address));
    let mut bodies = Vec::new();
    for row in SUBSCRIPTIONS {
        bodies.extend(admin.waiting(row.consumer).await.unwrap());
        let letters = admin.dead_letters(row.consumer).await.unwrap();
        bodies.extend(letters.into_iter().map(|letter| format!("{} {}", letter.body, letter.reason)));
    }
    bodies.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_customer_is_forgotten_no_message_and_no_file_of_rabbitmq_has_an_address() {
    let (mail, data) = (mail_server().await, tempfile::tempdir().unwrap());
    let mut node = RabbitMq::start().await.unwrap();
    let uri = node.uri();
    let launch = up(&["--port", "0", "--data-dir", data.path().to_str().unwrap(), "--broker", &uri]);
    let smtp = format!("smtp://{}", mail.address());
    let server = Server::start(launch.env("SMTP_URL", smtp).env("RUST_LOG", "info"));
    let forgotten = fill_and_forget(&server, "delayed").await;
    let texts = [&ADDRESSES[..], &[TEXT]].concat();
    let left = messages(&node).await;
    assert!(left.contains("order.confirmed"), "{left}");
    assert_eq!(found_in("messages", left.as_bytes(), &texts), Vec::<String>::new());
    assert_eq!(found(data.path(), &texts), Vec::<String>::new());

    drain(&server, &mail).await;
    check_output(&server, &forgotten, &texts);
    assert!(server.stop().success());
    assert_eq!(found(data.path(), &texts), Vec::<String>::new());
    // The broker moves its log into files of the queues when it starts, and drops a file at the next use of its queue.
    node.restart().await.unwrap();
    assert_eq!(messages(&node).await, "");
    let is_clean = async || found(node.folder(), &texts).is_empty();
    wait_until("no file of the broker has an address", is_clean).await;
    node.stop().await.unwrap();
    assert_eq!(found(node.folder(), &texts), Vec::<String>::new());
}
