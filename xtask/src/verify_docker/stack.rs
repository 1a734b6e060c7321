//! Starts the compose stack, waits until an order is confirmed, and removes the stack.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::compose;
use crate::process::retry;
use crate::readme;
use crate::report::Report;

use super::{Bench, LONG, SHORT};

/// A project name of its own, so that a stack already in use is not touched.
const PROJECT: &str = "orderflow-verify";

const URL: &str = "http://127.0.0.1:8080";

/// Starts the default profile and places the README's order. Removes the containers and volumes also after a failure.
pub(super) fn run(bench: &Bench<'_>, report: &mut Report) {
    if report.run("compose up", || run_compose(bench, "compose-up", &["up", "--build", "--detach"])) {
        report.run("compose: an order is confirmed", || order(bench));
    }
    report.run("compose logs", || run_compose(bench, "compose-logs", &["logs", "--no-color"]));
    report.run("compose down", || {
        run_compose(bench, "compose-down", &["down", "--volumes", "--timeout", "20"])
    });
}

fn order(bench: &Bench<'_>) -> Result<()> {
    retry(SHORT, || {
        let place = readme::place_an_order(bench.workspace, URL)?;
        let placed = output(bench, "compose-order", place)?;
        // Any status: an earlier attempt whose response was lost may have placed the order. A problem's status is a number.
        ensure!(placed.contains("\"status\":\""), "the response is {placed}");
        Ok(())
    })?;
    retry(SHORT, || {
        let newest = readme::show_the_newest_order(bench.workspace, URL)?;
        let newest = output(bench, "compose-newest-order", newest)?;
        ensure!(newest.contains("\"status\":\"confirmed\""), "the newest order is {newest}");
        Ok(())
    })
}

fn output(bench: &Bench<'_>, name: &str, mut command: Command) -> Result<String> {
    bench.outputs.run(name, SHORT, &mut command)
}

fn run_compose(bench: &Bench<'_>, name: &str, arguments: &[&str]) -> Result<()> {
    let mut command = compose::command(bench.workspace)?;
    command.args(arguments).env("COMPOSE_PROJECT_NAME", PROJECT);
    bench.docker.connect(&mut command, &[])?;
    bench.outputs.run(name, LONG, &mut command)?;
    Ok(())
}
