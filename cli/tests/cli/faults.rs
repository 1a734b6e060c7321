//! `orderflow faults` and `orderflow queues`.

use serde_json::{Value, json};

use crate::program::run;
use crate::stub::{Reply, Stub};

const GET: &str = "GET /api/v1/admin/faults";
const PUT: &str = "PUT /api/v1/admin/faults";

fn faults(payment: &str, stopped: &[&str]) -> Reply {
    Reply::json(200, &json!({"payment": payment, "stopped": stopped}))
}

#[test]
fn faults_are_shown_set_and_ended() {
    let stub =
        Stub::start().on(GET, [faults("slow", &["analytics"])]).on(PUT, [faults("down", &["payment"])]);
    let shown = run(&stub.url, "faults show");
    assert_eq!(shown.out, "payment provider   slow\nstopped consumers  analytics\n", "{shown:?}");
    assert!(shown.err.contains("faults clear"), "{shown:?}");
    let document = run(&stub.url, "faults show --json");
    assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap()["payment"], "slow");
    for (arguments, body) in [
        ("faults set --payment down", json!({"payment": "down", "stopped": ["analytics"]})),
        (
            "faults set --stop payment --stop notification",
            json!({"payment": "slow", "stopped": ["payment", "notification"]}),
        ),
        ("faults clear", json!({"payment": "ok", "stopped": []})),
    ] {
        let run = run(&stub.url, arguments);
        assert_eq!(run.code, 0, "{arguments}: {run:?}");
        let asked = stub.asked().pop().unwrap();
        assert_eq!((asked.line.as_str(), asked.body), (PUT, body), "{arguments}");
    }
}

#[test]
fn wrong_faults_are_refused_and_a_system_without_them_says_so() {
    let stub = Stub::start();
    for arguments in ["faults", "faults set", "faults set --payment broken", "faults set --stop payments"] {
        assert_eq!(run(&stub.url, arguments).code, 2, "{arguments}");
    }
    let none = run(&stub.url, "faults show");
    assert_eq!(none.code, 1);
    assert!(none.err.contains("accepts no faults"), "{none:?}");
}

#[test]
fn queues_are_counted() {
    let queue = |consumer: &str, dead: u64| json!({"consumer": consumer, "ready": 3, "in_flight": 2, "delayed": 1, "dead": dead});
    let list = |dead| Reply::json(200, &json!({"queues": [queue("payment", dead), queue("analytics", 0)]}));
    let stub = Stub::start().on("GET /api/v1/admin/queues", [list(4), list(0)]);
    let dead = run(&stub.url, "queues");
    let expected = "\
CONSUMER   READY  IN FLIGHT  DELAYED  DEAD
payment    3      2          1        4
analytics  3      2          1        0
";
    assert_eq!(dead.out, expected, "{dead:?}");
    assert!(dead.err.contains("dlq list"), "{dead:?}");
    assert_eq!(run(&stub.url, "queues").err, "");
}
