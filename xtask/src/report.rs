//! What ran, how it ended and how long it took.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tools::Tool;

/// How one stage or suite ended.
#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(anyhow::Error),
    Skipped(Vec<Tool>),
}

#[derive(Debug)]
struct Row {
    name: String,
    outcome: Outcome,
    took: Duration,
}

/// The table that a chore prints at its end.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Runs a stage, keeps its outcome and time, and says whether it passed.
    pub(crate) fn run(&mut self, name: impl Into<String>, stage: impl FnOnce() -> Result<()>) -> bool {
        self.produce(name, stage).is_some()
    }

    /// Runs a stage, keeps its outcome and time, and returns what it made if it passed.
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

    /// Notes that a stage did not run because tools are missing.
    pub(crate) fn skip(&mut self, name: impl Into<String>, missing: Vec<Tool>) {
        self.rows.push(Row { name: name.into(), outcome: Outcome::Skipped(missing), took: Duration::ZERO });
    }

    /// Whether everything ran and passed so far.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.outcome, Outcome::Passed))
    }

    fn has_failed(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// 1 when anything failed, else 0. What was skipped is no failure: where nothing may be skipped, a missing tool
    /// is installed or fails.
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
            Outcome::Skipped(missing) => {
                write!(out, "{name:width$}  skipped           missing: ")?;
                let mut separator = "";
                for tool in missing {
                    write!(out, "{separator}{tool}")?;
                    separator = ", ";
                }
                match missing.first() {
                    Some(tool) => write!(out, "; install with: {}", tool.installed_by()),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_failed_and_what_is_missing() {
        let mut report = Report::default();
        report.run("format", || Ok(()));
        report.skip("bundles", vec![Tool::LambdaEmulator, Tool::MiniStack]);
        assert!(!report.has_failed());
        report.run("docs", || anyhow::bail!("`cargo doc` ended with 1"));
        assert!(report.has_failed());

        assert_eq!(
            report.to_string(),
            "format   passed      0.0 s\n\
             bundles  skipped           missing: aws-sam-cli 1.170.0, ministack 1.5.33; \
             install with: cargo xtask test --install\n\
             docs     FAILED      0.0 s  `cargo doc` ended with 1\n\
             total                0.0 s"
        );
    }
}
