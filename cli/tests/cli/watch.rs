//! `orderflow order watch`.

use serde_json::{Value, json};

use crate::program::{ID, order, run};
use crate::stub::{Reply, Stub};

fn timeline(types: &[&str]) -> Reply {
    let events: Vec<Value> =
        types.iter().map(|kind| json!({"type": kind, "time": "2026-11-20T10:00:00.500Z"})).collect();
    Reply::json(200, &json!({"events": events}))
}

fn confirmed_in_steps() -> Stub {
    let retried = json!({"events": [
        {"type": "order.placed", "time": "2026-11-20T10:00:00.500Z"},
        {"type": "payment.completed", "time": "2026-11-20T10:00:00.500Z", "attempt": 2, "detail": "in time"},
        {"type": "order.confirmed", "time": "2026-11-20T10:00:00.500Z"},
    ]});
    Stub::start()
        .on(
            &format!("GET /api/v1/orders/{ID}"),
            [
                Reply::json(200, &order("pending")).with("etag", "\"1\""),
                Reply::text(304, ""),
                Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "0"),
                Reply::json(200, &order("confirmed")).with("etag", "\"2\""),
            ],
        )
        .on(
            &format!("GET /api/v1/orders/{ID}/events"),
            [timeline(&["order.placed"]), timeline(&["order.placed"]), Reply::json(200, &retried)],
        )
}

#[test]
fn each_event_and_status_is_shown_once() {
    let run = run(&confirmed_in_steps().url, &format!("order watch {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.out,
        "\
2026-11-20T10:00:00.500Z  order.placed
2026-11-20T10:00:01.000Z  status: pending
2026-11-20T10:00:00.500Z  payment.completed  in time
2026-11-20T10:00:00.500Z  order.confirmed
2026-11-20T10:00:01.000Z  status: confirmed
"
    );
}

#[test]
fn with_json_each_line_is_an_object() {
    let run = run(&confirmed_in_steps().url, &format!("order watch {ID} --json"));
    assert_eq!(run.code, 0, "{run:?}");
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0]["event"]["type"], "order.placed");
    assert_eq!(lines[4], json!({"order": order("confirmed")}));
}

#[test]
fn watching_a_rejected_order_succeeds() {
    let stub = Stub::start()
        .on(&format!("GET /api/v1/orders/{ID}"), [Reply::json(200, &order("rejected"))])
        .on(&format!("GET /api/v1/orders/{ID}/events"), [timeline(&["order.rejected"])]);
    let run = run(&stub.url, &format!("order watch {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("status: rejected (out_of_stock)"));
}

#[test]
fn a_timeout_is_a_failure() {
    let stub = Stub::start()
        .on(&format!("GET /api/v1/orders/{ID}"), [Reply::json(200, &order("pending"))])
        .on(&format!("GET /api/v1/orders/{ID}/events"), [timeline(&[])]);
    let run = run(&stub.url, &format!("order watch {ID} --timeout 500ms"));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("still pending after 0.5 s"), "{}", run.err);
}

#[test]
fn an_unknown_order_is_a_failure() {
    let run = run(&Stub::start().url, &format!("order watch {ID}"));
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(run.err, format!("error: no order {ID} (404 not-found)\n"));
}

#[test]
fn the_watch_goes_on_after_a_restart_of_the_server() {
    let down = || std::iter::repeat_n(Reply::problem(503, "unavailable", "Not now", &[]), 5);
    let order_of = |status, tag| Reply::json(200, &order(status)).with("etag", tag);
    let replies = [order_of("pending", "\"1\"")].into_iter().chain(down());
    let stub = Stub::start()
        .on(&format!("GET /api/v1/orders/{ID}"), replies.chain([order_of("confirmed", "\"2\"")]))
        .on(&format!("GET /api/v1/orders/{ID}/events"), [timeline(&["order.placed"])]);
    let run = run(&stub.url, &format!("order watch {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.ends_with("status: confirmed\n"), "{run:?}");
    assert_eq!(run.err, "the server does not answer; connecting again\nthe server answers again\n");
}
