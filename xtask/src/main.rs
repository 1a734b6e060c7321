//! The chores of this workspace, behind one door: `cargo xtask test`, `cargo xtask verify` and more.
//!
//! Nothing to install first: a chore finds the tools that it needs, or says which command installs them.

mod apt;
mod bundles;
mod clean;
mod compose;
mod coverage;
mod kept;
mod package;
mod parity;
mod report;
mod shell;
mod suites;
mod tools;
mod verify;
mod verify_docker;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::package::Architecture;
use crate::report::Report;
use crate::suites::Scope;
use crate::tools::{MissingTools, Toolbox};
use crate::workspace::Workspace;

/// The chores of Orderflow.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Start with `cargo xtask test`. Before you hand in a change: `cargo xtask verify`, which is what CI runs."
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Runs every test that this machine can run, and says what is missing for the rest
    ///
    /// The workspace's own tests need Rust and a C compiler. The tests of the Lambda bundles need AWS's Runtime
    /// Interface Emulator and MiniStack, which `--install` puts into a Python environment under target/. Those of the
    /// broker need RabbitMQ, which `--install` gets with apt-get, as root, without starting it as a service.
    Test(TestOptions),
    /// Checks format, lints, dependencies and documentation, then runs the tests: what CI runs
    ///
    /// Stops at the first failure and prints how long each stage took.
    Verify(InstallOptions),
    /// Builds the program and every bundle, unoptimised
    Build,
    /// Builds the zips that are deployed, and fails where one is larger than 4 MB
    ///
    /// Needs cargo-lambda, which is installed into a Python environment under target/. Takes minutes: every bundle is
    /// optimised as a whole.
    Package(PackageOptions),
    /// Runs the whole system on RabbitMQ by Docker Compose
    Up(compose::Selection),
    /// Takes the containers down again
    Down(compose::Removal),
    /// Shows what the containers log
    Logs(compose::LogView),
    /// Restarts containers
    Restart(compose::Services),
    /// Removes what was built, the installed tools excepted, and the data in ./data
    Clean,
    /// Tells which lines the tests reach, those excepted that need tools
    ///
    /// Writes a page to target/coverage. Needs cargo-llvm-cov, which is built from source, and the component llvm-tools of
    /// Rust, which rustup adds.
    Coverage(PackageSelection),
    /// Runs the system in Docker: the compose stack, and every bundle under `sam local`
    ///
    /// Places the README's order in the compose stack and waits until it is confirmed; gives each bundle its event of
    /// events/, and `sam local start-api` an order.
    ///
    /// Where no Docker runs it is installed with apt-get, as root, and a private daemon is started; where no registry
    /// answers that daemon's images are built from Debian's packages, and the table calls them stand-ins. A daemon that
    /// runs already is used as it is, and has to be able to pull. Everything that was started is ended; every output is
    /// in target/verify-docker/*.log. The ports 5672, 8000, 8025, 8080 and 15672 have to be free.
    VerifyDocker,
}

#[derive(Args)]
struct PackageOptions {
    /// What the functions run on
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    architecture: Architecture,
}

#[derive(Args)]
struct PackageSelection {
    /// Only this service or library, by the name of its folder
    #[arg(long = "package", short = 'p', value_name = "SERVICE", value_parser = package_of)]
    name: Option<String>,
}

/// The package of a folder: all but the program's and the chores' begin with the project's name.
#[expect(clippy::unnecessary_wraps, reason = "clap wants a parser that may fail")]
fn package_of(folder: &str) -> Result<String, std::convert::Infallible> {
    Ok(match folder {
        "cli" | "orderflow" => "orderflow".to_owned(),
        "xtask" => "xtask".to_owned(),
        _ => format!("orderflow-{}", folder.trim_start_matches("orderflow-")),
    })
}

#[derive(Args)]
struct TestOptions {
    /// Run only what needs nothing but Rust and a C compiler
    #[arg(long, conflicts_with_all = ["install", "name"])]
    quick: bool,
    #[command(flatten)]
    package: PackageSelection,
    #[command(flatten)]
    installing: InstallOptions,
}

#[derive(Args)]
#[command(
    after_help = "Environment:\n  CI=true              install what is missing; nothing is skipped\n  \
                  ORDERFLOW_TOOLS_DIR  where tools are installed, to keep them across clones (default: target)"
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

fn main() -> ExitCode {
    let cli = Cli::parse();
    let workspace = Workspace::locate();
    let installing = Toolbox::of(&workspace, MissingTools::Install);
    let mut report = Report::default();
    match cli.chore {
        Chore::Test(options) => {
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
        Chore::Verify(options) => {
            let toolbox = Toolbox::of(&workspace, options.missing_tools());
            verify::run(&workspace, &toolbox, &mut report);
        }
        Chore::Build => {
            report.run("build", || build(&workspace));
        }
        Chore::Package(options) => package::run(&workspace, &installing, options.architecture, &mut report),
        Chore::Up(selection) => {
            report.run("up", || compose::up(&workspace, &selection));
        }
        Chore::Down(removal) => {
            report.run("down", || compose::down(&workspace, &removal));
        }
        Chore::Logs(view) => {
            report.run("logs", || compose::logs(&workspace, &view));
        }
        Chore::Restart(services) => {
            report.run("restart", || compose::restart(&workspace, &services));
        }
        Chore::Clean => {
            report.run("clean", || clean::run(&workspace));
        }
        Chore::Coverage(selection) => {
            coverage::run(&workspace, &installing, selection.name.as_deref(), &mut report);
        }
        Chore::VerifyDocker => verify_docker::run(&workspace, &installing, &mut report),
    }
    eprintln!("\n{report}");
    report.exit_code()
}

/// The program and the bundles, unoptimised.
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
    fn a_service_is_named_by_its_folder() {
        for (folder, package) in [
            ("payments", "orderflow-payments"),
            ("orderflow-domain", "orderflow-domain"),
            ("cli", "orderflow"),
        ] {
            let cli = Cli::try_parse_from(["xtask", "test", "-p", folder]).unwrap();
            let Chore::Test(options) = cli.chore else { panic!("{folder}") };
            assert_eq!(options.package.name.as_deref(), Some(package));
        }
        assert!(Cli::try_parse_from(["xtask", "test", "--quick", "-p", "payments"]).is_err());
    }

    #[test]
    fn what_a_chore_takes_is_held_to_what_there_is() {
        for taken in [
            &["up", "--profile", "observability", "--profile", "ministack"][..],
            &["up", "payment"],
            &["down", "--volumes"],
            &["logs", "-f", "payment", "notification"],
            &["down"],
            &["restart", "payment"],
            &["build"],
            &["clean"],
            &["package", "--architecture", "x86_64"],
            &["coverage", "--package", "domain"],
        ] {
            Cli::try_parse_from(["xtask"].iter().chain(taken)).unwrap();
        }
        for refused in [
            &["up", "--profile", "everything"][..],
            &["down", "payment"],
            &["package", "--architecture", "sparc"],
            &["clean", "everything"],
            &["build", "payment"],
            &["verify-docker", "payment"],
        ] {
            assert!(Cli::try_parse_from(["xtask"].iter().chain(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn what_contributors_are_told_to_run_is_there() {
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
    fn quick_and_install_contradict_each_other() {
        assert!(Cli::try_parse_from(["xtask", "test", "--quick", "--install"]).is_err());
    }
}
