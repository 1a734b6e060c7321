//! `orderflow dlq edit`.

use std::fs;
use std::path::PathBuf;

use orderflow_testing::program::Run;
use serde_json::json;

use super::{ID, changes, letter, stub};
use crate::program::{finish, program};
use crate::stub::{Reply, Stub};

/// Runs `edit` with a shell command as the editor. Returns the run and the folder for temporary files.
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
fn an_edited_event_is_saved() {
    let stub = stub([letter(ID, "attempts-exhausted")])
        .on(&put(), [Reply::json(200, &letter(ID, "attempts-exhausted"))]);
    let (run, folder) = edit(&stub, "sed -i s/3998/4000/");
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains(&format!("orderflow dlq replay payment --id {ID}")), "{}", run.err);
    let [(line, body)] = changes(&stub).try_into().unwrap();
    assert_eq!((line, &body["data"]["total"]["amount"]), (put(), &json!(4000)));
    assert_eq!((&body["id"], &body["type"]), (&json!(ID), &json!("inventory.reserved")));
    assert_eq!(files(&folder), Vec::<PathBuf>::new());
}

#[test]
fn an_unchanged_event_is_not_saved() {
    let stub = stub([letter(ID, "attempts-exhausted")]);
    let (run, folder) = edit(&stub, "true");
    assert_eq!((run.code, run.err.as_str()), (0, "the text was not changed\n"), "{run:?}");
    assert_eq!((changes(&stub).len(), files(&folder).len()), (0, 0));
}

#[test]
fn text_that_cannot_be_saved_is_kept_in_a_file() {
    for (editor, reason) in [
        ("sed -i s/3998/many/", "the text is not an event: "),
        (
            "sed -i s/order_id/order_no/",
            "the text is not an event: the data of inventory.reserved is not valid",
        ),
        ("sed -i s/inventory.reserved/stock.lost/", "the text is not an event: "),
        ("then_fail() { sed -i s/3998/4000/ \"$1\"; false; }; then_fail", "exit status: 1"),
        ("sed -i 's/\"currency/\\n&/'", "(503 unavailable)"),
    ] {
        let down = Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "60");
        let stub = stub([letter(ID, "attempts-exhausted")]).on(&put(), [down]);
        let (run, folder) = edit(&stub, editor);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{editor}: {run:?}");
        assert!(run.err.contains(reason), "{editor}: {}", run.err);
        let [file] = files(&folder).try_into().unwrap();
        assert!(run.err.contains(&format!("the edited text is in {}", file.display())), "{}", run.err);
        assert!(fs::read_to_string(file).unwrap().contains("specversion"));
    }
}

#[test]
fn an_event_of_another_type_than_those_of_the_consumer_is_refused() {
    let stub = stub([letter(ID, "attempts-exhausted")]);
    let released = r#"sed -i -e s/inventory.reserved/inventory.released/ -e 's/"total": {/"items": []/' -e '/amount/d;/currency/d'"#;
    let (run, folder) = edit(&stub, &format!("{released} -e '/^    }}$/d'"));
    assert_eq!((run.code, files(&folder).len()), (1, 1), "{run:?}");
    assert!(
        run.err.contains("payment does not subscribe to inventory.released, only to inventory.reserved, "),
        "{run:?}"
    );
}

#[test]
fn an_editor_that_does_not_exist_is_reported() {
    let stub = stub([letter(ID, "attempts-exhausted")]);
    let (run, folder) = edit(&stub, "no-such-editor --wait");
    assert_eq!((run.code, files(&folder).len()), (1, 0), "{run:?}");
    assert!(run.err.contains("\"no-such-editor --wait\" ended with exit status: 127"), "{}", run.err);
}

#[test]
fn a_file_in_the_folder_does_not_choose_the_editor() {
    let stub = stub([letter(ID, "attempts-exhausted")]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "VISUAL='touch started; true'\n").unwrap();
    let mut command = program(&format!("dlq edit payment {ID}"));
    command.env("ORDERFLOW_URL", &stub.url).env("EDITOR", "true").env("TMPDIR", folder.path());
    command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(folder.path());
    let run = finish(&mut command);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("warning: VISUAL (.env line 1) is not a setting and is ignored"), "{run:?}");
    assert!(!folder.path().join("started").exists());
}
