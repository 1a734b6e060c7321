//! `orderflow dlq edit`.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::{ID, changes, letter, stub};
use crate::program::{Run, finish, program};
use crate::stub::{Reply, Stub};

/// A run of `edit` in which this command of the shell is the editor, and the folder that it was to keep its text in.
fn edit(stub: &Stub, editor: &str) -> (Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(&format!("dlq edit payment {ID}"));
    command.env("ORDERFLOW_URL", &stub.url).env("EDITOR", editor).env("TMPDIR", folder.path());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    (finish(&mut command), folder)
}

fn files(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn put() -> String {
    format!("PUT /api/v1/admin/dead-letters/payment/{ID}")
}

#[test]
fn an_edited_event_is_put_back() {
    let stub = stub([letter(ID, "declined")]).on(&put(), [Reply::json(200, &letter(ID, "declined"))]);
    let (run, folder) = edit(&stub, "sed -i s/3998/4000/");
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains(&format!("orderflow dlq replay payment --id {ID}")), "{}", run.err);
    let [(line, body)] = changes(&stub).try_into().unwrap();
    assert_eq!((line, &body["data"]["total"]["amount"]), (put(), &json!(4000)));
    assert_eq!((&body["id"], &body["type"]), (&json!(ID), &json!("inventory.reserved")));
    assert_eq!(files(&folder), Vec::<PathBuf>::new());
}

#[test]
fn an_event_that_was_not_edited_is_left_alone() {
    let stub = stub([letter(ID, "declined")]);
    let (run, folder) = edit(&stub, "true");
    assert_eq!((run.code, run.err.as_str()), (0, "nothing was changed\n"), "{run:?}");
    assert_eq!((changes(&stub).len(), files(&folder).len()), (0, 0));
}

#[test]
fn what_cannot_be_put_back_is_kept() {
    for (editor, reason) in [
        ("sed -i s/3998/many/", "this is no event: "),
        ("sed -i s/order_id/order_no/", "this is no event: data of inventory.reserved does not fit"),
        ("sed -i s/inventory.reserved/stock.lost/", "this is no event: "),
        ("then_fail() { sed -i s/3998/4000/ \"$1\"; false; }; then_fail", "exit status: 1"),
        ("sed -i 's/\"currency/\\n&/'", "(503 unavailable)"),
    ] {
        let down = Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "60");
        let stub = stub([letter(ID, "declined")]).on(&put(), [down]);
        let (run, folder) = edit(&stub, editor);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{editor}: {run:?}");
        assert!(run.err.contains(reason), "{editor}: {}", run.err);
        let [file] = files(&folder).try_into().unwrap();
        assert!(run.err.contains(&format!("is kept in {}", file.display())), "{}", run.err);
        assert!(fs::read_to_string(file).unwrap().contains("specversion"));
    }
}

#[test]
fn an_event_that_the_consumer_is_not_told_of_is_refused() {
    let stub = stub([letter(ID, "declined")]);
    let released = r#"sed -i -e s/inventory.reserved/inventory.released/ -e 's/"total": {/"items": []/' -e '/amount/d;/currency/d'"#;
    let (run, folder) = edit(&stub, &format!("{released} -e '/^    }}$/d'"));
    assert_eq!((run.code, files(&folder).len()), (1, 1), "{run:?}");
    assert!(
        run.err.contains("payment is not told of inventory.released, only of inventory.reserved, "),
        "{run:?}"
    );
}

#[test]
fn an_editor_that_is_not_there_is_told() {
    let stub = stub([letter(ID, "declined")]);
    let (run, folder) = edit(&stub, "no-such-editor --wait");
    assert_eq!((run.code, files(&folder).len()), (1, 0), "{run:?}");
    assert!(run.err.contains("\"no-such-editor --wait\" ended with exit status: 127"), "{}", run.err);
}
