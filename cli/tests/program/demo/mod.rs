//! `orderflow demo`, in a terminal and without one, and the recording that README.md shows.
//! `UPDATE_EXPECT=1 cargo test -p orderflow --test program demo` records it again.

mod recording;
mod terminal;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use expect_test::expect_file;
use orderflow_testing::program::Launch;
use rustix::process::{Pid, Signal, kill_process};

use recording::Recording;

const TITLES: [&str; 7] = [
    "1. A whole shop in one process",
    "2. The payment provider goes down",
    "3. It retries, then it stops asking",
    "4. The provider comes back",
    "5. A message that can never be sent",
    "6. The message is edited and replayed",
    "7. kill -9 in the middle of the work",
];

/// Prepares a demo that keeps its temporary files in a folder.
fn demo(temporary: &Path) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["demo"]).env("TMPDIR", temporary.to_str().unwrap())
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn each_step_ends_as_it_says_and_the_recording_is_that_of_the_documents() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = terminal::run(&demo(folder.path()).env("TERM", "xterm"));
    assert_eq!(code, 0, "{text}");
    let recording = Recording::of(&text);
    assert_eq!(recording.titles(), TITLES, "{text}");
    assert!(recording.widest_line() <= 80, "{text}");
    assert!(is_empty(folder.path()), "the temporary shop is deleted");
    expect_file!["../../../../docs/images/demo.svg"].assert_eq(&recording.svg());
}

#[test]
fn no_color_is_honoured_in_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = terminal::run(&demo(folder.path()).env("TERM", "xterm").env("NO_COLOR", "1"));
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains('\u{1b}') && text.contains(TITLES[6]), "{text}");
}

/// Returns the process that another one has started.
fn child_of(process: u32) -> Pid {
    let is_child = |status: &str| status.lines().any(|line| line == format!("PPid:\t{process}"));
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let child = processes.map(|entry| entry.path()).find(|path: &PathBuf| {
        // Other processes end meanwhile.
        std::fs::read_to_string(path.join("status")).is_ok_and(|status| is_child(&status))
    });
    let number = child.unwrap().file_name().unwrap().to_str().unwrap().parse().unwrap();
    Pid::from_raw(number).unwrap()
}

#[test]
fn a_shop_that_ends_early_ends_the_demo_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = demo(folder.path()).command();
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == TITLES[1]), "the second step begins");
    kill_process(child_of(demo.id()), Signal::KILL).unwrap();
    let rest: Vec<String> = lines.collect();
    let output = demo.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("error: the temporary shop ended by itself"), "{error}");
    assert!(!rest.iter().any(|line| line.contains('\u{1b}') || line == TITLES[6]), "{rest:?}");
    assert!(is_empty(folder.path()), "the temporary shop is deleted");
}

#[test]
fn ctrl_c_ends_the_demo_and_its_shop() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = demo(folder.path()).command();
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == TITLES[1]), "the second step begins");
    let shop = child_of(demo.id());
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    lines.for_each(drop);
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the temporary shop is deleted"));
    assert!(kill_process(shop, Signal::KILL).is_err(), "the shop has ended");
    assert!(is_empty(folder.path()));
}
