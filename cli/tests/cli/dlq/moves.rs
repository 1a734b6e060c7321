//! `orderflow dlq replay` and `purge`.

use serde_json::{Value, json};

use super::{changes, letter, stub};
use crate::program::run;
use crate::stub::Reply;

const REPLAY: &str = "POST /api/v1/admin/dead-letters/payment/replay";

fn replayed(count: u64) -> Reply {
    Reply::json(200, &json!({"replayed": count}))
}

#[test]
fn all_or_selected_dead_letters_are_replayed() {
    for (arguments, ids) in [
        ("dlq replay", vec!["a", "b", "c"]),
        ("dlq replay payment", vec!["a", "b", "c"]),
        ("dlq replay payment --code attempts-exhausted", vec!["a", "c"]),
        ("dlq replay payment --id c a", vec!["c", "a"]),
        ("dlq replay --id b", vec!["b"]),
    ] {
        let count = ids.len() as u64;
        let letters = [
            letter("a", "attempts-exhausted"),
            letter("b", "undecodable"),
            letter("c", "attempts-exhausted"),
        ];
        let stub = stub(letters).on(REPLAY, [replayed(count)]);
        let run = run(&stub.url, &format!("{arguments} --json"));
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments}: {run:?}");
        assert_eq!(serde_json::from_str::<Value>(&run.out).unwrap(), json!({"replayed": count}));
        assert_eq!(changes(&stub), [(REPLAY.to_owned(), json!({ "ids": ids }))], "{arguments}");
    }
}

/// Returns a dead letter whose event has a text.
fn letter_about(id: &str, text: &str) -> Value {
    let mut letter = letter(id, "attempts-exhausted");
    letter["event"]["subject"] = text.into();
    letter
}

#[test]
fn dead_letters_are_selected_by_a_text_in_reason_or_message() {
    let all = "/api/v1/admin/dead-letters/payment";
    let letters =
        || [letter_about("a", "order one"), letter_about("b", "order two"), letter_about("c", "ORDER ONE")];
    let stub = stub(letters()).on(REPLAY, [replayed(2)]);
    let replay = run(&stub.url, "dlq replay --text one");
    assert_eq!((replay.code, replay.out.as_str()), (0, "replayed 2 dead letters\n"), "{replay:?}");
    assert_eq!(changes(&stub), [(REPLAY.to_owned(), json!({"ids": ["a", "c"]}))]);

    let stub = super::stub(letters()).on(&format!("DELETE {all}/b"), [Reply::text(204, "")]);
    let none = run(&stub.url, "dlq purge --text three --yes");
    assert_eq!((none.code, none.out.as_str()), (0, "purged 0 dead letters\n"), "{none:?}");
    let purge = run(&stub.url, "dlq purge --text two --yes");
    assert_eq!((purge.code, purge.out.as_str()), (0, "purged 1 dead letter\n"), "{purge:?}");
    let changed: Vec<String> = changes(&stub).into_iter().map(|(line, _)| line).collect();
    assert_eq!(changed, [format!("DELETE {all}/b")]);

    let of_reason = run(&stub.url, "dlq replay --text GATEWAY --dry-run --json");
    assert_eq!(serde_json::from_str::<Value>(&of_reason.out).unwrap(), json!({"would_replay": 3}));
}

#[test]
fn many_are_replayed_in_chunks_and_a_failure_reports_the_progress() {
    let letters: Vec<Value> = (0..450).map(|n| letter(&format!("id-{n}"), "attempts-exhausted")).collect();
    let broken = Reply::problem(503, "unavailable", "The broker is down", &[]);
    let stub = stub(letters).on(REPLAY, [replayed(200), replayed(200), broken, replayed(50)]);
    let first = run(&stub.url, "dlq replay payment");
    assert_eq!((first.code, first.out.as_str()), (1, ""), "{first:?}");
    assert!(first.err.starts_with("replayed 400 dead letters before the failure"), "{}", first.err);
    assert!(first.err.contains("error: The broker is down (503 unavailable)"), "{}", first.err);
    let parts = changes(&stub);
    let sizes: Vec<usize> = parts.iter().map(|(_, body)| body["ids"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [200, 200, 50]);
}

#[test]
fn an_unknown_id_does_not_prevent_the_replay_of_others() {
    let stub = stub([letter("a", "attempts-exhausted")]).on(REPLAY, [replayed(1)]);
    let run = run(&stub.url, "dlq replay payment --id a x");
    assert_eq!((run.code, run.out.as_str()), (1, "replayed 1 dead letter\n"), "{run:?}");
    assert!(run.err.contains("no dead letter x of payment exists"), "{}", run.err);
}

#[test]
fn a_dry_run_changes_nothing() {
    let stub = stub([letter("a", "attempts-exhausted"), letter("b", "undecodable")]);
    for command in ["replay", "purge"] {
        let table = run(&stub.url, &format!("dlq {command} payment --code undecodable --dry-run"));
        assert_eq!(table.err, format!("would {command} 1 dead letter; nothing was changed\n"));
        assert_eq!(table.out, "CONSUMER  CODE         DEAD LETTERS\npayment   undecodable  1\n");
        let document = run(&stub.url, &format!("dlq {command} --dry-run --json"));
        let expected = json!({ format!("would_{command}"): 2 });
        assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), expected);
        assert_eq!((table.code, document.code), (0, 0));
    }
    assert_eq!(changes(&stub), []);
}

#[test]
fn purge_deletes_the_selected_dead_letters() {
    let all = "/api/v1/admin/dead-letters/payment";
    for (arguments, lines) in [
        ("dlq purge", vec![format!("DELETE {all}")]),
        (
            "dlq purge payment --code attempts-exhausted",
            vec![format!("DELETE {all}?code=attempts-exhausted")],
        ),
        ("dlq purge payment --id a b", vec![format!("DELETE {all}/a"), format!("DELETE {all}/b")]),
    ] {
        let many = Reply::json(200, &json!({"purged": 2}));
        let stub = stub([letter("a", "attempts-exhausted"), letter("b", "attempts-exhausted")])
            .on(&format!("DELETE {all}"), [many.clone()])
            .on(&format!("DELETE {all}?code=attempts-exhausted"), [many])
            .on(&format!("DELETE {all}/a"), [Reply::text(204, "")])
            .on(&format!("DELETE {all}/b"), [Reply::text(204, "")]);
        let run = run(&stub.url, &format!("{arguments} --yes"));
        assert_eq!((run.code, run.out.as_str()), (0, "purged 2 dead letters\n"), "{arguments}: {run:?}");
        let changed: Vec<String> = changes(&stub).into_iter().map(|(line, _)| line).collect();
        assert_eq!(changed, lines, "{arguments}");
    }
}

#[test]
fn purge_needs_a_confirmation() {
    let stub = stub([letter("a", "attempts-exhausted")]);
    let run = run(&stub.url, "dlq purge payment");
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.contains("--yes"), "{}", run.err);
    assert_eq!(stub.lines(), Vec::<String>::new());
}
