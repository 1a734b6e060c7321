//! `orderflow dlq` over the HTTP API of a system.

mod edit;
mod moves;

use orderflow_messaging::DeadLetterCode;
use serde_json::{Value, json};

use crate::program::{ID as ORDER, finish, program, run};
use crate::stub::{Reply, Stub};

const ID: &str = "0b5c3f0e-5f0a-5d4b-9a53-3e2f2a4c7d10";
const DEAD_LETTERS: &str = "GET /api/v1/admin/dead-letters/payment?limit=100";

fn event() -> Value {
    json!({
        "specversion": "1.0", "id": ID, "source": "/orderflow/inventory", "type": "inventory.reserved",
        "subject": ORDER, "time": "2026-11-20T10:00:00.000Z", "datacontenttype": "application/json",
        "data": {"order_id": ORDER, "total": {"amount": 3998, "currency": "USD"}},
    })
}

fn letter(id: &str, code: &str) -> Value {
    json!({
        "id": id, "consumer": "payment", "code": code, "reason": "the gateway said\u{1b} no", "attempts": 12,
        "first_at": "2026-11-20T10:00:01.000Z", "last_at": "2026-11-20T10:10:01.000Z", "event": event(),
    })
}

fn listing(letters: impl IntoIterator<Item = Value>) -> Reply {
    Reply::json(200, &json!({"dead_letters": letters.into_iter().collect::<Vec<_>>()}))
}

/// Returns a system in which payment has these dead letters, and the other consumers have none.
fn stub(letters: impl IntoIterator<Item = Value>) -> Stub {
    let none = |stub: Stub, consumer: &str| {
        stub.on(&format!("GET /api/v1/admin/dead-letters/{consumer}?limit=100"), [listing([])])
    };
    let others = ["order-tracker", "inventory-reserve", "notification", "analytics"];
    others.into_iter().fold(Stub::start(), none).on(DEAD_LETTERS, [listing(letters)])
}

/// Returns the requests that change something.
fn changes(stub: &Stub) -> Vec<(String, Value)> {
    let asked = stub.asked().into_iter().filter(|asked| !asked.line.starts_with("GET"));
    asked.map(|asked| (asked.line, asked.body)).collect()
}

#[test]
fn dead_letters_are_counted_by_consumer_and_code() {
    let stub = stub([
        letter("a", "attempts-exhausted"),
        letter("b", "undecodable"),
        letter("c", "attempts-exhausted"),
    ]);
    let run = run(&stub.url, "dlq list");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.out,
        "CONSUMER  CODE                DEAD LETTERS\npayment   attempts-exhausted  2\npayment   undecodable         1\n"
    );
}

#[test]
fn every_page_is_listed() {
    let page = |id: &str, next: Value| {
        Reply::json(200, &json!({"dead_letters": [letter(id, "bad")], "next_cursor": next}))
    };
    let stub = stub([]).on(DEAD_LETTERS, [page("a", json!("c1"))]);
    let stub = stub.on(&format!("{DEAD_LETTERS}&cursor=c1"), [page("b", json!("c2"))]);
    let stub = stub.on(&format!("{DEAD_LETTERS}&cursor=c2"), [page("c", Value::Null)]);
    let run = run(&stub.url, "dlq list payment --json");
    assert_eq!(run.code, 0, "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        document,
        json!({"dead_letters": [letter("a", "bad"), letter("b", "bad"), letter("c", "bad")]})
    );
}

#[test]
fn a_consumer_or_a_code_lists_the_dead_letters() {
    let stub = stub([letter("a", "attempts-exhausted"), letter("b", "undecodable")]);
    for arguments in ["dlq list payment --code undecodable", "dlq list --code undecodable"] {
        let run = run(&stub.url, arguments);
        let expected = "\
CONSUMER  CODE         DEAD LETTERS
payment   undecodable  1

ID  CONSUMER  CODE         ATTEMPTS  GIVEN UP                  REASON
b   payment   undecodable  12        2026-11-20T10:10:01.000Z  the gateway said\\u{1b} no
";
        assert_eq!((run.code, run.out.as_str()), (0, expected), "{arguments}: {run:?}");
    }
}

#[test]
fn a_list_as_json_contains_the_dead_letters() {
    let stub = stub([letter("a", "attempts-exhausted"), letter("b", "undecodable")]);
    let run = run(&stub.url, "dlq list --code undecodable --json");
    assert_eq!(run.code, 0, "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document, json!({"dead_letters": [letter("b", "undecodable")]}));
}

#[test]
fn a_dead_letter_is_shown_with_its_history_and_event() {
    let stub = stub([letter(ID, "attempts-exhausted")]);
    let shown = run(&stub.url, &format!("dlq show payment {ID}"));
    assert_eq!(shown.code, 0, "{shown:?}");
    for expected in [
        "code         attempts-exhausted\n",
        "reason       the gateway said\\u{1b} no\n",
        "attempts     12\n",
        "first tried  2026-11-20T10:00:01.000Z\n",
        "given up     2026-11-20T10:10:01.000Z\n\n{\n",
        "  \"type\": \"inventory.reserved\"",
    ] {
        assert!(shown.out.contains(expected), "{expected}: {}", shown.out);
    }
    let document = run(&stub.url, &format!("dlq show payment {ID} --json"));
    assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), letter(ID, "attempts-exhausted"));
}

#[test]
fn unknown_ids_are_reported() {
    let stub = stub([letter("a", "attempts-exhausted")]);
    for arguments in ["dlq show payment x", "dlq edit payment x", "dlq replay payment --id x --dry-run"] {
        let run = run(&stub.url, arguments);
        assert_eq!(run.code, 1, "{arguments}: {run:?}");
        assert!(run.err.contains("error: no dead letter x of payment exists"), "{}", run.err);
    }
}

#[test]
fn flags_take_precedence_over_variables() {
    let stub = stub([]);
    let broker = "amqp://shop:s3cret@127.0.0.1:1/%2f";
    let mut both_flags = program("dlq list --broker amqp://h");
    let conflict = finish(both_flags.args(["--url", &stub.url]));
    assert_eq!(conflict.code, 2, "{conflict:?}");
    let mut flag_and_environment = program("dlq list");
    let system = finish(flag_and_environment.env("ORDERFLOW_BROKER", broker).args(["--url", &stub.url]));
    assert_eq!(system.code, 0, "{system:?}");
    let direct = finish(program("dlq list payment").env("ORDERFLOW_BROKER", broker));
    assert_eq!(direct.code, 1, "{direct:?}");
    assert!(direct.err.contains("127.0.0.1:1") && !direct.err.contains("s3cret"), "{}", direct.err);
    let unreadable = finish(program("dlq list").args(["--broker", "amqp://shop:s3cret@h:x"]));
    assert_eq!(unreadable.code, 2, "{unreadable:?}");
    assert!(!unreadable.err.contains("s3cret"), "{}", unreadable.err);
}

#[test]
fn an_unknown_code_is_refused_with_the_list_of_codes() {
    for command in ["list", "replay payment", "purge --yes"] {
        let run = finish(&mut program(&format!("dlq {command} --code poison")));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{command}: {run:?}");
        for code in ["undecodable", "attempts-exhausted", "payment-refused", "message-refused"] {
            assert!(run.err.contains(code), "{code}: {run:?}");
        }
    }
}

#[test]
fn the_help_explains_every_code() {
    let run = finish(&mut program("dlq list --help"));
    // It is wrapped.
    let help = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for (code, meaning) in DeadLetterCode::ALL {
        assert!(help.contains(code.as_str()) && help.contains(meaning), "{code}: {run:?}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        "dlq",
        "dlq list unknown",
        "dlq show payment",
        "dlq edit payment ..",
        "dlq replay payment --code a --id b",
        "dlq purge --id a payment --yes",
    ] {
        let run = finish(&mut program(arguments));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments}: {run:?}");
    }
}
