//! `orderflow sim`.

use orderflow_testing::program::Launch;
use serde_json::Value;

fn sim(arguments: &[&str]) -> (i32, String) {
    let run = Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["sim"].iter().chain(arguments)).run();
    (run.code, run.out)
}

#[test]
fn seeds_that_keep_every_promise_end_with_success_and_a_count_of_faults() {
    let (code, out) = sim(&["--seeds", "3", "--from", "5", "--threads", "2", "--json"]);
    assert_eq!(code, 0, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["seeds"], &report["from"]), (&Value::from(3), &Value::from(5)));
    assert_eq!(report["violations"], Value::Array(Vec::new()));
    let faults = report["faults"].as_object().unwrap();
    assert!(faults.values().any(|count| count.as_u64() > Some(0)), "{out}");
}

#[test]
fn the_trace_of_a_seed_is_the_same_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let traces = ["one", "other"].map(|name| {
        let path = folder.path().join(name);
        let (code, out) = sim(&["--seed", "5", "--trace", path.to_str().unwrap()]);
        assert_eq!(code, 0, "{out}");
        std::fs::read_to_string(path).unwrap()
    });
    assert!(traces[0].lines().count() > 100, "{}", traces[0]);
    assert!(traces[0] == traces[1], "the traces differ");
}

#[test]
fn flags_that_cannot_be_combined_and_seeds_that_are_too_high_are_refused() {
    let highest = u64::MAX.to_string();
    for wrong in [
        &["--seeds", "3", "--trace", "t.txt"][..],
        &["--trace", "t.txt"],
        &["--seed", "1", "--from", "2"],
        &["--seed", &highest],
        &["--from", &highest],
        &["--seeds", "0"],
    ] {
        assert_eq!(sim(wrong).0, 2, "{wrong:?}");
    }
}
