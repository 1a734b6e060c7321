//! `orderflow doctor` with a real RabbitMQ.

use orderflow_testing::program::{Launch, Run};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::Value;

fn doctor(broker: &str) -> Run {
    let arguments = ["doctor", "--port", "0", "--ephemeral", "--json", "--broker", broker];
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).run()
}

/// Returns state and text of a check.
fn check(run: &Run, name: &str) -> (String, String) {
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap();
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("state"), text("found"))
}

#[tokio::test]
async fn version_and_permissions_of_the_broker_are_checked_and_nothing_is_left_there() {
    let broker = RabbitMq::start().await.unwrap();
    for _ in 0..2 {
        let run = doctor(&broker.uri());
        let (state, found) = check(&run, "rabbitmq");
        assert!(run.code == 0 && state == "ok" && found.contains("is RabbitMQ "), "{run:?}");
        let (state, found) = check(&run, "permissions");
        // A queue that the first run leaves would refuse the second one.
        assert!(state == "ok" && found.contains("the start declares 36 exchanges and queues"), "{run:?}");
    }

    broker.control(&["add_user", "shop", "secret"]).unwrap();
    let shop = broker.uri().replace("guest:guest", "shop:secret");
    broker.control(&["set_permissions", "-p", "/", "shop", "^$", r"^orderflow\.", r"^orderflow\."]).unwrap();
    let run = doctor(&shop);
    let (state, found) = check(&run, "permissions");
    assert!(run.code == 1 && state == "failed", "{run:?}");
    assert!(
        found.contains("configure on queue") && found.contains("write on exchange 'amq.default'"),
        "{found}"
    );

    let run = doctor(&broker.uri().replace("guest:guest", "guest:wrong"));
    assert_eq!((run.code, check(&run, "rabbitmq").0.as_str()), (1, "failed"), "{run:?}");
}
