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
    assert_eq!(shown.out, "SERVICE  STATE\nbroker   up\nstore    up\n");
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
