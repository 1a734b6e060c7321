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
    run(workspace, &selection.profile, find()?.up, &selection.services)?;
    eprintln!(
        "\nThe system is on http://127.0.0.1:8080, RabbitMQ on http://127.0.0.1:15672, mail on http://127.0.0.1:8025."
    );
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
    find().is_ok()
}

/// Compose in the workspace's root, without arguments.
///
/// # Errors
/// Neither `docker compose` nor `docker-compose` is there.
pub(crate) fn command(workspace: &Workspace) -> Result<Command> {
    let compose = find()?;
    let mut command = workspace.program(compose.program);
    // What older versions don't take by themselves: the Dockerfile needs BuildKit.
    command.args(compose.first).env("DOCKER_BUILDKIT", "1").env("COMPOSE_DOCKER_CLI_BUILD", "1");
    Ok(command)
}

/// A version of Compose.
struct Compose {
    program: &'static str,
    /// The arguments before all others.
    first: &'static [&'static str],
    /// Starts in the background; where the version can, returns once everything is healthy.
    up: &'static [&'static str],
}

/// A plugin of `docker`, and before that a program of its own.
const VERSIONS: [Compose; 2] = [
    Compose { program: "docker", first: &["compose"], up: &["up", "--build", "--wait"] },
    Compose { program: "docker-compose", first: &[], up: &["up", "--build", "--detach"] },
];

fn find() -> Result<&'static Compose> {
    let is_there = |compose: &&Compose| {
        let mut command = Command::new(compose.program);
        command.args(compose.first).arg("version");
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    VERSIONS.iter().find(is_there).context("install Docker with its Compose plugin, or `docker-compose`")
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
