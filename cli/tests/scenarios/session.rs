//! A shell that runs the commands of a scenario.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::answer::{Names, Patience};
use crate::page::{Scenario, Step};
use crate::program::Shop;

/// The time limit of an expectation with `eventually`.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// The number of characters of the output that a failure shows.
const SHOWN: usize = 500;

/// `curl` without progress, and with the status on a last line of its own.
const CURL: &str =
    r#"curl() { command curl --silent --show-error --max-time 30 --write-out '\n%{http_code}' "$@"; }"#;

/// The shell, and the values that earlier commands named.
pub(crate) struct Session<'a> {
    shop: &'a Shop,
    names: Names,
}

impl<'a> Session<'a> {
    pub(crate) fn new(shop: &'a Shop) -> Self {
        Self { shop, names: Names::new() }
    }

    /// Runs the commands in order and checks the output of each.
    pub(crate) fn run(&mut self, scenario: &Scenario) -> Result<()> {
        for step in &scenario.steps {
            self.take(step).with_context(|| format!("{}\n$ {}", scenario.title, step.command))?;
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = self.output(&step.command);
            match step.expected.check(&output, &mut self.names) {
                Ok(()) => return Ok(()),
                Err(_) if step.expected.patience == Patience::Eventually && Instant::now() < deadline => {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(error.context(output.chars().take(SHOWN).collect::<String>())),
            }
        }
    }

    fn output(&self, command: &str) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{CURL}\n{command}")]).envs(self.shop.environment()).envs(&self.names);
        let output = shell.output().unwrap();
        let (data, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if complaint.is_empty() { data.trim_end().to_owned() } else { format!("{data}\n{complaint}") }
    }
}
