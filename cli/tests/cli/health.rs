//! `orderflow health`, and systems that cannot be reached.

use std::net::TcpListener;

use serde_json::json;

use crate::program::{finish, program, run};
use crate::stub::{Reply, Stub};

fn health(status: u16, state: &str, broker: &str) -> Stub {
    let body = json!({"status": state, "timestamp": "2026-11-20T10:00:00.000Z",
        "services": {"store": "up", "broker": broker}});
    Stub::start().on("GET /health", [Reply::json(status, &body)])
}

#[test]
fn a_healthy_system_is_shown_with_its_services() {
    let stub = health(200, "healthy", "up");
    let shown = finish(&mut program(&format!("health --url {}/", stub.url)));
    assert_eq!(shown.code, 0, "{shown:?}");
    assert_eq!(shown.out, "SERVICE  STATE  REASON\nbroker   up\nstore    up\n");
    let json = run(&stub.url, "health --json");
    assert!(json.out.contains("\"status\": \"healthy\""), "{}", json.out);
}

#[test]
fn an_unhealthy_system_shows_what_is_down() {
    let run = run(&health(503, "unhealthy", "down").url, "health");
    assert_eq!(run.code, 1);
    assert!(run.out.contains("broker   down"), "{}", run.out);
    assert_eq!(run.err, "error: the system is unhealthy\n");
}

#[test]
fn a_degraded_system_shows_its_parts_and_has_an_exit_code_of_its_own() {
    let body = json!({"status": "degraded", "timestamp": "2026-11-20T10:00:00.000Z",
        "services": {"store": "up", "mail-provider": "degraded"},
        "reasons": {"mail-provider": "its circuit breaker is open"},
        "parts": {
            "notification": {"state": "failing", "since": "2026-11-20T09:00:00.000Z", "reason": "no answer",
                "last_success": "2026-11-20T08:59:00.000Z", "waiting": 12, "oldest_waiting_seconds": 3600.4},
            "payment": {"state": "stopped"}}});
    let stub = Stub::start().on("GET /health", [Reply::json(200, &body)]);
    let shown = run(&stub.url, "health");
    assert_eq!((shown.code, shown.err.as_str()), (3, "error: the system is degraded\n"));
    let lines: Vec<&str> = shown.out.lines().collect();
    assert_eq!(lines[1], "mail-provider  degraded  its circuit breaker is open");
    assert_eq!(
        lines[5],
        "notification  failing  2026-11-20T09:00:00.000Z  2026-11-20T08:59:00.000Z  12       3600 s  no answer"
    );
    assert!(lines[6].starts_with("payment       stopped  -  "), "{}", shown.out);
}

#[test]
fn readiness_is_a_question_of_its_own() {
    for (status, state, code) in [(200, "ready", 0), (503, "not_ready", 1)] {
        let stub = Stub::start().on("GET /health/ready", [Reply::json(status, &json!({"status": state}))]);
        let shown = run(&stub.url, "health --ready");
        assert_eq!((shown.code, shown.out), (code, format!("{state}\n")));
    }
}

#[test]
fn a_problem_is_not_taken_for_health() {
    let stub = Stub::start().on("GET /health", [Reply::problem(503, "unavailable", "Not now", &[])]);
    let run = run(&stub.url, "health");
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("Not now"), "{}", run.err);
}

#[test]
fn a_system_that_cannot_be_reached_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for arguments in ["health", "order place --customer C --email c@example.com --item A"] {
        let run = run(&url, arguments);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        let expected = format!("error: cannot reach {url}: is it running? start it with `orderflow up`\n");
        assert!(run.err.starts_with(&expected), "{}", run.err);
        assert!(run.err.contains("refused"), "{}", run.err);
    }
}
