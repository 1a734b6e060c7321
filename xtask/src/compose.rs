//! Docker Compose: the whole system on RabbitMQ, one container for each part.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::shell;
use crate::workspace::Workspace;

/// An optional set of services in docker-compose.yml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// The AWS emulator MiniStack
    Ministack,
    /// The AWS emulator LocalStack
    Localstack,
    /// Prometheus, Grafana and Jaeger
    Observability,
}

/// The services that a task acts on.
#[derive(Args)]
pub(crate) struct Services {
    /// Only these services (default: all)
    #[arg(value_name = "SERVICE")]
    names: Vec<String>,
}

/// The services to start.
#[derive(Args)]
pub(crate) struct Selection {
    /// Also start the services of this profile (may be given more than once)
    #[arg(long, value_name = "PROFILE")]
    profile: Vec<Profile>,
    #[command(flatten)]
    services: Services,
}

/// Options of `down`.
#[derive(Args)]
pub(crate) struct Removal {
    /// Also remove the data volumes
    #[arg(long)]
    volumes: bool,
}

/// Options of `logs`.
#[derive(Args)]
pub(crate) struct LogView {
    /// Keep printing new lines
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

/// Shows the logs of the containers.
pub(crate) fn logs(workspace: &Workspace, view: &LogView) -> Result<()> {
    let arguments: &[&str] = if view.follow { &["logs", "--follow"] } else { &["logs"] };
    run(workspace, Profile::value_variants(), arguments, &view.services)
}

/// Restarts existing containers.
pub(crate) fn restart(workspace: &Workspace, services: &Services) -> Result<()> {
    run(workspace, &[], &["restart"], services)
}

/// Checks docker-compose.yml without a profile and with each profile.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let none = Services { names: Vec::new() };
    run(workspace, &[], &["config", "--quiet"], &none)?;
    for profile in Profile::value_variants() {
        run(workspace, &[*profile], &["config", "--quiet"], &none)?;
    }
    Ok(())
}

/// Returns whether any version of Compose is installed.
pub(crate) fn is_installed() -> bool {
    find().is_ok()
}

/// Returns a Compose command in the workspace's root, without arguments.
///
/// # Errors
/// Neither `docker compose` nor `docker-compose` is installed.
pub(crate) fn command(workspace: &Workspace) -> Result<Command> {
    let compose = find()?;
    let mut command = workspace.program(compose.program);
    // The Dockerfile needs BuildKit, which older versions do not use by default.
    command.args(compose.first).env("DOCKER_BUILDKIT", "1").env("COMPOSE_DOCKER_CLI_BUILD", "1");
    Ok(command)
}

/// A version of Compose.
struct Compose {
    program: &'static str,
    /// The arguments before all others.
    first: &'static [&'static str],
    /// Starts the containers in the background and, if the version supports it, waits until all are healthy.
    up: &'static [&'static str],
}

/// The plugin of `docker`, and the separate program that preceded it.
const VERSIONS: [Compose; 2] = [
    Compose { program: "docker", first: &["compose"], up: &["up", "--build", "--wait"] },
    Compose { program: "docker-compose", first: &[], up: &["up", "--build", "--detach"] },
];

fn find() -> Result<&'static Compose> {
    let is_installed = |compose: &&Compose| {
        let mut command = Command::new(compose.program);
        command.args(compose.first).arg("version");
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    VERSIONS.iter().find(is_installed).context("install Docker with its Compose plugin, or `docker-compose`")
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
