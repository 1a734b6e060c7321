//! The development tasks of this workspace: `cargo xtask test`, `cargo xtask verify` and more.
//!
//! Rust and a C compiler are enough to start: a task finds the tools that it needs, or names the command that installs
//! them.

mod apt;
mod bundles;
mod clean;
mod compose;
mod coverage;
mod dist;
mod package;
mod parity;
mod process;
mod readme;
mod report;
mod shell;
mod suites;
mod tools;
mod verify;
mod verify_docker;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::dist::Profile;
use crate::package::Architecture;
use crate::report::Report;
use crate::suites::Scope;
use crate::tools::{MissingTools, Readiness, Tool, ToolSelection, Toolbox};
use crate::workspace::Workspace;

/// Development tasks of Orderflow
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Start with `cargo xtask test`. Before you submit a change, run `cargo xtask verify`, as CI does."
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs every test suite whose tools are installed, and lists the tools that the others need
    ///
    /// The suite `workspace` needs only Rust and a C compiler. The suites of the Lambda bundles need AWS's Runtime
    /// Interface Emulator and MiniStack, those of the broker RabbitMQ. `--install` installs every missing tool: Python
    /// packages into environments under target/, Debian packages with apt-get as root, and starts no service.
    Test(TestOptions),
    /// Checks format, lints, documentation, tests and dependencies, as CI does
    ///
    /// Stops at the first failure and prints how long each stage took.
    Verify(InstallOptions),
    /// Installs the named tools, and prints the line that puts them on the PATH
    ///
    /// Python packages and tools built from source go into a folder under target/ (or ORDERFLOW_TOOLS_DIR); packages of
    /// Debian are installed with apt-get, as root. A tool that is installed already is not installed again.
    #[command(after_help = "To use the tools in this shell:\n  eval \"$(cargo xtask tools ministack sam)\"")]
    Tools(ToolSelection),
    /// Builds the program and every Lambda bundle, unoptimised
    Build,
    /// Builds the zip of every Lambda bundle, and fails if one is larger than 4 MB
    ///
    /// Needs cargo-lambda, which it installs into a Python environment under target/. Takes minutes: each bundle is
    /// optimised as a whole.
    Package(PackageOptions),
    /// Builds the packages in which the program is published, and tries each
    ///
    /// For the platform of this machine, into target/dist: a Python wheel, npm packages, an archive for `cargo binstall`, a
    /// list of components (CycloneDX) and checksums. Wheel and npm package are installed into empty environments without a
    /// network; the shop is started from there, and an order has to be confirmed.
    Dist(DistOptions),
    /// Starts the whole system on RabbitMQ with Docker Compose
    Up(compose::Selection),
    /// Stops and removes the containers
    Down(compose::Removal),
    /// Shows the logs of the containers
    Logs(compose::LogView),
    /// Restarts containers
    Restart(compose::Services),
    /// Removes the build output and the data in ./data; installed tools stay
    Clean,
    /// Measures which lines the suite `workspace` reaches
    ///
    /// Writes a report to target/coverage. Needs cargo-llvm-cov, which it builds from source, and the Rust component
    /// llvm-tools, which it adds with rustup.
    Coverage(PackageSelection),
    /// Tests the system in Docker: the compose stack, and every bundle under `sam local`
    ///
    /// Places the order of the README in the compose stack and waits until it is confirmed. Invokes each bundle with its
    /// sample from events/, and places an order through `sam local start-api`.
    ///
    /// If no Docker daemon is running, Docker is installed with apt-get, as root, and a private daemon is started. If that
    /// daemon cannot pull an image, a stand-in is built from Debian packages, and the report says so. A daemon that is
    /// already running is used as it is and must be able to pull. Everything started here is stopped at the end. The
    /// output of every program is in target/verify-docker/*.log. The ports 5672, 8000, 8025, 8080 and 15672 must be free.
    VerifyDocker,
}

#[derive(Args)]
struct PackageOptions {
    /// The processor architecture of the functions
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    architecture: Architecture,
}

#[derive(Args)]
struct DistOptions {
    /// How the program is built
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

#[derive(Args)]
struct PackageSelection {
    /// Only this service or library, named by its folder
    #[arg(long = "package", short = 'p', value_name = "SERVICE", value_parser = package_of)]
    name: Option<String>,
}

/// Returns the package in a folder: `orderflow-FOLDER`, except for `cli` and `xtask`.
#[expect(clippy::unnecessary_wraps, reason = "clap's parsers return a Result")]
fn package_of(folder: &str) -> Result<String, std::convert::Infallible> {
    Ok(match folder {
        "cli" | "orderflow" => "orderflow".to_owned(),
        "xtask" => "xtask".to_owned(),
        _ => format!("orderflow-{}", folder.trim_start_matches("orderflow-")),
    })
}

#[derive(Args)]
struct TestOptions {
    /// Run only the suite that needs no tools beyond Rust and a C compiler
    #[arg(long, conflicts_with_all = ["install", "name"])]
    quick: bool,
    #[command(flatten)]
    package: PackageSelection,
    #[command(flatten)]
    installing: InstallOptions,
}

#[derive(Args)]
#[command(
    after_help = "Environment:\n  CI=true              install missing tools, so that nothing is skipped\n  \
                  ORDERFLOW_TOOLS_DIR  folder for installed tools, to share them between clones (default: target)"
)]
struct InstallOptions {
    /// Install the tools that are missing (always on when CI=true)
    #[arg(long)]
    install: bool,
}

impl TestOptions {
    fn scope(&self) -> Scope {
        if self.quick { Scope::RustOnly } else { Scope::Everything }
    }
}

impl InstallOptions {
    fn missing_tools(&self) -> MissingTools {
        let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        if self.install || on_ci { MissingTools::Install } else { MissingTools::Skip }
    }
}

#[expect(clippy::print_stdout, reason = "the PATH line is read by `eval`")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    let workspace = Workspace::locate();
    let installing = Toolbox::of(&workspace, MissingTools::Install);
    let mut report = Report::default();
    match cli.task {
        Task::Test(options) => {
            let toolbox = Toolbox::of(&workspace, options.installing.missing_tools());
            match &options.package.name {
                Some(name) => {
                    report.run(name, || suites::run_package(&workspace, name));
                }
                None => {
                    suites::run_all(&workspace, &toolbox, options.scope(), &mut report);
                }
            }
        }
        Task::Verify(options) => {
            let toolbox = Toolbox::of(&workspace, options.missing_tools());
            verify::run(&workspace, &toolbox, &mut report);
        }
        Task::Tools(selection) => {
            if let Some(links) = install_tools(&installing, &selection.names, &mut report) {
                println!("export PATH={}:$PATH", quoted(&links.display().to_string()));
            }
        }
        Task::Build => {
            report.run("build", || build(&workspace));
        }
        Task::Package(options) => package::run(&workspace, &installing, options.architecture, &mut report),
        Task::Dist(options) => dist::run(&workspace, &installing, options.profile, &mut report),
        Task::Up(selection) => {
            report.run("up", || compose::up(&workspace, &selection));
        }
        Task::Down(removal) => {
            report.run("down", || compose::down(&workspace, &removal));
        }
        Task::Logs(view) => {
            report.run("logs", || compose::logs(&workspace, &view));
        }
        Task::Restart(services) => {
            report.run("restart", || compose::restart(&workspace, &services));
        }
        Task::Clean => {
            report.run("clean", || clean::run(&workspace));
        }
        Task::Coverage(selection) => {
            coverage::run(&workspace, &installing, selection.name.as_deref(), &mut report);
        }
        Task::VerifyDocker => verify_docker::run(&workspace, &installing, &mut report),
    }
    eprintln!("\n{report}");
    report.exit_code()
}

/// Installs tools and returns the folder in which their programs are linked.
fn install_tools(toolbox: &Toolbox, tools: &[Tool], report: &mut Report) -> Option<PathBuf> {
    match toolbox.prepare(tools, report) {
        Readiness::Ready => report.produce("tools", || toolbox.link_programs(tools)),
        Readiness::Missing(_) | Readiness::InstallFailed => None,
    }
}

/// Quotes a path for a POSIX shell.
fn quoted(path: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Builds the program and the bundles, unoptimised.
fn build(workspace: &Workspace) -> anyhow::Result<()> {
    shell::run(&mut workspace.cargo(&["build", "--workspace", "--exclude", "xtask", "--bins", "--locked"]))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_package_is_selected_by_its_folder() {
        for (folder, package) in [
            ("payments", "orderflow-payments"),
            ("orderflow-domain", "orderflow-domain"),
            ("cli", "orderflow"),
        ] {
            let cli = Cli::try_parse_from(["xtask", "test", "-p", folder]).unwrap();
            let Task::Test(options) = cli.task else { panic!("{folder}") };
            assert_eq!(options.package.name.as_deref(), Some(package));
        }
        assert!(Cli::try_parse_from(["xtask", "test", "--quick", "-p", "payments"]).is_err());
    }

    #[test]
    fn arguments_outside_the_known_values_are_refused() {
        for taken in [
            &["up", "--profile", "observability", "--profile", "ministack"][..],
            &["up", "payment"],
            &["down", "--volumes"],
            &["logs", "-f", "payment", "notification"],
            &["down"],
            &["restart", "payment"],
            &["build"],
            &["dist", "--profile", "dev"],
            &["clean"],
            &["tools", "ministack", "sam", "rabbitmq", "cargo-llvm-cov"],
            &["package", "--architecture", "x86_64"],
            &["coverage", "--package", "domain"],
        ] {
            Cli::try_parse_from(["xtask"].iter().chain(taken)).unwrap();
        }
        for refused in [
            &["up", "--profile", "everything"][..],
            &["down", "payment"],
            &["package", "--architecture", "sparc"],
            &["dist", "--profile", "fast"],
            &["clean", "everything"],
            &["tools"],
            &["tools", "cargo"],
            &["build", "payment"],
            &["verify-docker", "payment"],
        ] {
            assert!(Cli::try_parse_from(["xtask"].iter().chain(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn the_commands_in_contributing_md_exist() {
        let page = include_str!("../../CONTRIBUTING.md");
        let commands: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("cargo xtask ")?.split('#').next()).collect();
        for command in &commands {
            let line = ["xtask"].into_iter().chain(command.split_whitespace());
            Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{command}: {error}"));
        }
        assert!(commands.iter().any(|command| command.trim() == "verify"), "{commands:?}");
    }

    #[test]
    fn quick_and_install_exclude_each_other() {
        assert!(Cli::try_parse_from(["xtask", "test", "--quick", "--install"]).is_err());
    }

    #[test]
    fn a_path_is_quoted_for_the_shell_where_needed() {
        assert_eq!(quoted("/home/me/target/tools/bin"), "/home/me/target/tools/bin");
        assert_eq!(quoted("/my folder/it's"), r"'/my folder/it'\''s'");
    }
}
