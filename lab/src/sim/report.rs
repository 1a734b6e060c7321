//! What the runs of some seeds showed, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration};
use serde_json::{Value, json};

use super::{FaultKind, Plan, Violation};

/// The failing seeds after which a run ends.
pub(super) const FAILURES_MAX: usize = 100;

/// What the runs of some seeds showed.
#[derive(Debug)]
pub struct SimReport {
    pub(super) seeds: Range<u64>,
    /// The end of the seeds that were asked for.
    pub(super) asked_for: u64,
    pub(super) took: Duration,
    pub(super) simulated: Duration,
    pub(super) faults: BTreeMap<FaultKind, u64>,
    /// In the order of their seeds.
    pub(super) failures: Vec<Failure>,
}

/// A seed under which a promise is broken.
#[derive(Debug)]
pub(super) struct Failure {
    pub seed: u64,
    pub violations: Vec<Violation>,
    /// How one of its violations comes about. Only the first seed of an invariant has one.
    pub explanation: Option<Explanation>,
}

/// How a promise comes to be broken.
#[derive(Debug, Clone)]
pub(super) struct Explanation {
    /// The shortest plan that still breaks it.
    pub plan: Plan,
    /// The violation under that plan.
    pub violation: Violation,
    /// What happened to the order under that plan, if the violation is about one.
    pub story: String,
}

impl SimReport {
    /// Returns the report as JSON, with one line for each seed that failed.
    pub fn json(&self) -> String {
        let faults: BTreeMap<&str, u64> = self.kinds().map(|(kind, count)| (kind.name(), count)).collect();
        let report = json!({
            "seeds": self.seeds.end - self.seeds.start,
            "from": self.seeds.start,
            "next": (self.seeds.end < self.asked_for).then_some(self.seeds.end),
            "seconds": self.took.as_secs_f64(),
            "simulated_seconds": self.simulated.as_secs(),
            "violations": self.failures.iter().flat_map(Failure::json).collect::<Vec<_>>(),
            "faults": faults,
        });
        report.to_string()
    }

    /// Returns why the run counts as failed, or `None` if every promise was kept.
    pub fn failure(&self) -> Option<String> {
        let failing = self.failures.len();
        (failing > 0)
            .then(|| format!("{failing} of {} seeds break a promise", self.seeds.end - self.seeds.start))
    }

    fn kinds(&self) -> impl Iterator<Item = (FaultKind, u64)> {
        FaultKind::ALL.into_iter().map(|kind| (kind, self.faults.get(&kind).copied().unwrap_or(0)))
    }
}

impl Failure {
    fn json(&self) -> Vec<Value> {
        let explained = |violation: &Violation| {
            let explanation = self.explanation.as_ref();
            explanation.filter(|explanation| explanation.violation.invariant == violation.invariant)
        };
        let described = |violation: &Violation| {
            let Violation { invariant, order, text } = violation;
            let mut described =
                json!({"seed": self.seed, "invariant": invariant, "order": order, "text": text});
            if let Some(Explanation { plan, story, .. }) = explained(violation) {
                let operations = plan.operations.iter().map(ToString::to_string);
                let schedule: Vec<String> =
                    operations.chain(plan.faults.iter().map(ToString::to_string)).collect();
                described["schedule"] = schedule.into();
                described["story"] = story.lines().map(str::trim_start).collect();
            }
            described
        };
        self.violations.iter().map(described).collect()
    }
}

impl fmt::Display for SimReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        let count = self.seeds.end - self.seeds.start;
        let failing = match self.failures.len() {
            0 => "every promise kept".to_owned(),
            failing => format!("{failing} failing"),
        };
        let seconds = self.took.as_secs_f64().max(0.001);
        let rate = HumanCount((count as f64 / seconds).round() as u64);
        let simulated = HumanDuration(self.simulated.div_f64(seconds));
        writeln!(f, "{} seeds from {} in {seconds:.1} s: {failing}", HumanCount(count), self.seeds.start)?;
        writeln!(f, "{rate} seeds/s, {simulated} simulated a second")?;
        writeln!(f, "faults that took effect:")?;
        for (kind, count) in self.kinds() {
            writeln!(f, "  {:<24}{:>12}", kind.name(), HumanCount(count).to_string())?;
        }
        if self.seeds.end < self.asked_for {
            let left = self.asked_for - self.seeds.end;
            let why = if self.failures.len() < FAILURES_MAX { "ended early" } else { "too many seeds fail" };
            writeln!(f, "{why}; resume: orderflow sim --from {} --seeds {left}", self.seeds.end)?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            writeln!(f, "seed {}: {violation}", self.seed)?;
        }
        if let Some(Explanation { plan, violation, story }) = &self.explanation {
            let (operations, faults) = (plan.operations.len(), plan.faults.len());
            writeln!(
                f,
                "  the shortest schedule with {}: {operations} operations, {faults} faults",
                violation.invariant
            )?;
            for operation in &plan.operations {
                writeln!(f, "    {operation}")?;
            }
            for fault in &plan.faults {
                writeln!(f, "    {fault}")?;
            }
            writeln!(f, "  there: {violation}")?;
            for line in story.lines() {
                writeln!(f, "  {line}")?;
            }
        }
        writeln!(f, "  replay: orderflow sim --seed {}", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failures: Vec<Failure>, end: u64) -> SimReport {
        SimReport {
            seeds: 5..end,
            asked_for: 15,
            took: Duration::from_secs(2),
            simulated: Duration::from_secs(7_200),
            faults: BTreeMap::from([(FaultKind::RelayCrashed, 3)]),
            failures,
        }
    }

    fn failure() -> Failure {
        let violation = Violation {
            invariant: "at-most-one-charge",
            order: Some("o1".to_owned()),
            text: "twice".to_owned(),
        };
        let explanation = Explanation {
            plan: Plan { seed: 7, operations: Vec::new(), faults: Vec::new() },
            violation: violation.clone(),
            story: "        10 ms  The payment provider charges 500.\n".to_owned(),
        };
        Failure { seed: 7, violations: vec![violation], explanation: Some(explanation) }
    }

    #[test]
    fn a_complete_report_says_so_and_counts_every_kind_of_fault() {
        let report = report(Vec::new(), 15);
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(
            (&json["seeds"], &json["next"], &json["violations"]),
            (&json!(10), &Value::Null, &json!([]))
        );
        assert_eq!((&json["faults"]["relay-crashed"], &json["faults"]["clock-back"]), (&json!(3), &json!(0)));
        let text = report.to_string();
        assert!(
            text.contains(
                "10 seeds from 5 in 2.0 s: every promise kept\n5 seeds/s, 60 minutes simulated a second\n"
            ),
            "{text}"
        );
        assert_eq!(report.failure(), None);
    }

    #[test]
    fn a_report_that_ended_early_says_where_to_go_on() {
        let report = report(Vec::new(), 9);
        assert!(report.to_string().ends_with("resume: orderflow sim --from 9 --seeds 6\n"));
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["next"], 9);
    }

    #[test]
    fn a_failure_names_its_seed_and_how_it_comes_about() {
        let report = report(vec![failure()], 15);
        let text = report.to_string();
        assert!(text.starts_with("seed 7: at-most-one-charge: order o1: twice\n"), "{text}");
        assert!(
            text.contains("10 ms  The payment provider charges 500.\n  replay: orderflow sim --seed 7\n"),
            "{text}"
        );
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["violations"][0]["story"], json!(["10 ms  The payment provider charges 500."]));
        assert_eq!(report.failure().as_deref(), Some("1 of 10 seeds break a promise"));
    }
}
