//! The report of a task: which stages ran, how each ended and how long it took.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The outcome of a stage or suite.
#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(anyhow::Error),
    /// Did not run, for this reason.
    Skipped(String),
}

#[derive(Debug)]
struct Row {
    name: String,
    outcome: Outcome,
    took: Duration,
}

/// The table that a task prints at its end.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Runs a stage, records its outcome and time, and returns whether it passed.
    pub(crate) fn run(&mut self, name: impl Into<String>, stage: impl FnOnce() -> Result<()>) -> bool {
        self.produce(name, stage).is_some()
    }

    /// Runs a stage, records its outcome and time, and returns its result if it passed.
    pub(crate) fn produce<T>(
        &mut self,
        name: impl Into<String>,
        stage: impl FnOnce() -> Result<T>,
    ) -> Option<T> {
        let started = Instant::now();
        let (outcome, made) = match stage() {
            Ok(made) => (Outcome::Passed, Some(made)),
            Err(error) => (Outcome::Failed(error), None),
        };
        self.rows.push(Row { name: name.into(), outcome, took: started.elapsed() });
        made
    }

    /// Records that a stage was skipped, and why.
    pub(crate) fn skip(&mut self, name: impl Into<String>, reason: String) {
        self.rows.push(Row { name: name.into(), outcome: Outcome::Skipped(reason), took: Duration::ZERO });
    }

    /// Returns whether every stage so far ran and passed.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.outcome, Outcome::Passed))
    }

    /// Returns whether any stage failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Returns 1 if any stage failed, else 0. A skipped stage is not a failure: on CI, where nothing may be skipped, a
    /// missing tool is installed, and a failed installation is a failed stage.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max();
        let width = width.unwrap_or(0).max("total".len());
        for row in &self.rows {
            writeln!(out, "{row:width$}")?;
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        write!(out, "{:width$}          {:>7.1} s", "total", total.as_secs_f64())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = out.width().unwrap_or(0);
        let seconds = self.took.as_secs_f64();
        let name = &self.name;
        match &self.outcome {
            Outcome::Passed => write!(out, "{name:width$}  passed  {seconds:>7.1} s"),
            Outcome::Failed(error) => {
                write!(out, "{name:width$}  FAILED  {seconds:>7.1} s  {error:#}")
            }
            Outcome::Skipped(reason) => {
                write!(out, "{name:width$}  skipped           {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_failed_and_skipped_stages() {
        let mut report = Report::default();
        report.run("format", || Ok(()));
        report.skip("bundles", "missing: ministack".to_owned());
        assert!(!report.has_failed());
        report.run("docs", || anyhow::bail!("`cargo doc` ended with 1"));
        assert!(report.has_failed());

        assert_eq!(
            report.to_string(),
            "format   passed      0.0 s\n\
             bundles  skipped           missing: ministack\n\
             docs     FAILED      0.0 s  `cargo doc` ended with 1\n\
             total                0.0 s"
        );
    }
}
