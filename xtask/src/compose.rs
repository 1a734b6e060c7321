//! Docker Compose: the whole system on RabbitMQ, one container a part.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::shell;
use crate::workspace::Workspace;

/// What docker-compose.yml can start beside the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// AWS in the emulator MiniStack
    Ministack,
    /// AWS in the emulator LocalStack
    Localstack,
    /// Prometheus, Grafana and Jaeger
    Observability,
}

/// Which containers a chore is about.
#[derive(Args)]
pub(crate) struct Services {
    /// These services only (default: all)
    #[arg(value_name = "SERVICE")]
    names: Vec<String>,
}

/// What is started.
#[derive(Args)]
pub(crate) struct Selection {
    /// Also start what belongs to this profile (may be given more than once)
    #[arg(long, value_name = "PROFILE")]
    profile: Vec<Profile>,
    #[command(flatten)]
    services: Services,
}

/// What is taken down.
#[derive(Args)]
pub(crate) struct Removal {
    /// Forget the data too
    #[arg(long)]
    volumes: bool,
}

/// What is shown of the logs.
#[derive(Args)]
pub(crate) struct LogView {
    /// Go on as more is logged
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    services: Services,
}

/// Builds the image and starts the system.
pub(crate) fn up(workspace: &Workspace, selection: &Selection) -> Result<()> {
    run(workspace, &selection.profile, &["up", "--build", "--detach"], &selection.services)?;
    eprintln!("\nThe system answers on http://127.0.0.1:8080 once `cargo xtask logs` falls silent.");
    Ok(())
}

/// Stops and removes the containers of all profiles.
pub(crate) fn down(workspace: &Workspace, removal: &Removal) -> Result<()> {
    let arguments: &[&str] = if removal.volumes { &["down", "--volumes"] } else { &["down"] };
    run(workspace, Profile::value_variants(), arguments, &Services { names: Vec::new() })
}

/// Shows what the containers log.
pub(crate) fn logs(workspace: &Workspace, view: &LogView) -> Result<()> {
    let arguments: &[&str] = if view.follow { &["logs", "--follow"] } else { &["logs"] };
    run(workspace, Profile::value_variants(), arguments, &view.services)
}

/// Restarts containers that are there.
pub(crate) fn restart(workspace: &Workspace, services: &Services) -> Result<()> {
    run(workspace, &[], &["restart"], services)
}

/// Checks docker-compose.yml by itself and with each profile.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let none = Services { names: Vec::new() };
    run(workspace, &[], &["config", "--quiet"], &none)?;
    for profile in Profile::value_variants() {
        run(workspace, &[*profile], &["config", "--quiet"], &none)?;
    }
    Ok(())
}

/// Whether any Compose is there.
pub(crate) fn is_installed() -> bool {
    program().is_some()
}

/// Compose in the workspace's root, without arguments.
///
/// # Errors
/// Neither `docker compose` nor `docker-compose` is there.
pub(crate) fn command(workspace: &Workspace) -> Result<Command> {
    let (program, first) =
        program().context("install Docker with its Compose plugin, or `docker-compose`")?;
    let mut command = workspace.program(program);
    // What older versions don't take by themselves: the Dockerfile needs BuildKit.
    command.args(first).env("DOCKER_BUILDKIT", "1").env("COMPOSE_DOCKER_CLI_BUILD", "1");
    Ok(command)
}

/// Version 2 is a plugin of `docker`, version 1 a program of its own.
fn program() -> Option<(&'static str, &'static [&'static str])> {
    let answers = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let quiet = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    if answers("docker", &["compose", "version"]) {
        Some(("docker", &["compose"]))
    } else if answers("docker-compose", &["version"]) {
        Some(("docker-compose", &[]))
    } else {
        None
    }
}

fn run(workspace: &Workspace, profiles: &[Profile], arguments: &[&str], services: &Services) -> Result<()> {
    shell::run(command(workspace)?.args(line(profiles, arguments, services)))
}

fn line(profiles: &[Profile], arguments: &[&str], services: &Services) -> Vec<String> {
    let profiles = profiles.iter().filter_map(ValueEnum::to_possible_value);
    let profiles = profiles.flat_map(|profile| ["--profile".to_owned(), profile.get_name().to_owned()]);
    profiles
        .chain(arguments.iter().map(|&argument| argument.to_owned()))
        .chain(services.names.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_come_before_the_command_and_services_after_it() {
        let services = Services { names: vec!["payment".to_owned()] };
        let line = line(&[Profile::Ministack, Profile::Observability], &["logs", "--follow"], &services);
        let expected = "--profile ministack --profile observability logs --follow payment";
        assert_eq!(line.join(" "), expected);
    }
}
