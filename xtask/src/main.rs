//! The chores of this workspace, behind one door: `cargo xtask test` and `cargo xtask verify`.
//!
//! Nothing to install first: a chore finds the tools that it needs, or says which command installs them.

mod apt;
mod features;
mod report;
mod shell;
mod suites;
mod tools;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

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
}

#[derive(Args)]
struct TestOptions {
    /// Run only what needs nothing but Rust and a C compiler
    #[arg(long, conflicts_with = "install")]
    quick: bool,
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
    let mut report = Report::default();
    match cli.chore {
        Chore::Test(options) => {
            let toolbox = Toolbox::of(&workspace, options.installing.missing_tools());
            suites::run_all(&workspace, &toolbox, options.scope(), &mut report);
        }
        Chore::Verify(options) => {
            let toolbox = Toolbox::of(&workspace, options.missing_tools());
            verify::run(&workspace, &toolbox, &mut report);
        }
    }
    eprintln!("\n{report}");
    report.exit_code()
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
    fn quick_and_install_contradict_each_other() {
        assert!(Cli::try_parse_from(["xtask", "test", "--quick", "--install"]).is_err());
    }
}
