//! The compose stack: it starts, carries an order to its end, and is gone again.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::compose;
use crate::kept::retry;
use crate::report::Report;

use super::{Bench, LONG, SHORT, readme};

/// Keeps the stack apart from one that somebody uses.
const PROJECT: &str = "orderflow-verify";

const URL: &str = "http://127.0.0.1:8080";

/// Starts the default profile, places the README's order, and takes everything down again, whatever failed.
pub(super) fn run(bench: &Bench<'_>, report: &mut Report) {
    if report.run("compose up", || keep(bench, "compose-up", &["up", "--build", "--detach"])) {
        report.run("compose: an order is confirmed", || order(bench));
    }
    report.run("compose logs", || keep(bench, "compose-logs", &["logs", "--no-color"]));
    report.run("compose down", || keep(bench, "compose-down", &["down", "--volumes", "--timeout", "20"]));
}

fn order(bench: &Bench<'_>) -> Result<()> {
    retry(SHORT, || {
        let place = readme::place_an_order(bench.workspace, URL)?;
        let placed = answer(bench, "compose-order", place)?;
        // Of any status: it may have gone on since an attempt whose answer was lost. That of a problem is a number.
        ensure!(placed.contains("\"status\":\""), "the answer was {placed}");
        Ok(())
    })?;
    retry(SHORT, || {
        let newest = readme::show_the_newest_order(bench.workspace, URL)?;
        let newest = answer(bench, "compose-newest-order", newest)?;
        ensure!(newest.contains("\"status\":\"confirmed\""), "the newest order is {newest}");
        Ok(())
    })
}

fn answer(bench: &Bench<'_>, name: &str, mut command: Command) -> Result<String> {
    bench.outputs.run(name, SHORT, &mut command)
}

fn keep(bench: &Bench<'_>, name: &str, arguments: &[&str]) -> Result<()> {
    let mut command = compose::command(bench.workspace)?;
    command.args(arguments).env("COMPOSE_PROJECT_NAME", PROJECT);
    bench.docker.reach(&mut command, &[])?;
    bench.outputs.run(name, LONG, &mut command)?;
    Ok(())
}
