//! The simulation of the seeds that CI runs.

use clap::Parser;
use orderflow_lab::sim::{SimArgs, simulate};
use serde_json::Value;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    sim: SimArgs,
}

#[test]
fn two_thousand_seeds_keep_every_promise_and_every_kind_of_fault_takes_effect() {
    let flags = Flags::parse_from(["sim", "--seeds", "2000"]);
    let report = simulate(&flags.sim).unwrap();
    assert_eq!(report.failure(), None, "{report}");
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!((&json["seeds"], &json["next"]), (&Value::from(2_000), &Value::Null));
    for (kind, count) in json["faults"].as_object().unwrap() {
        assert!(count.as_u64().unwrap() > 0, "{kind} never took effect");
    }
}
