//! The flags of `orderflow sim`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, value_parser};

/// The highest seed to begin with, and the most seeds: together they are still numbers of 64 bits.
const SEED_MAX: u64 = u64::MAX / 2;

/// Flags of `orderflow sim`.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// How many seeds are run
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=SEED_MAX))]
    pub(super) seeds: u64,

    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = value_parser!(u64).range(..=SEED_MAX))]
    pub(super) from: u64,

    /// Run this seed only
    #[arg(long, value_name = "SEED", value_parser = value_parser!(u64).range(..=SEED_MAX), conflicts_with_all = ["seeds", "from", "threads"])]
    pub(super) seed: Option<u64>,

    /// Write everything that happens under the one seed to this file, a line each
    #[arg(long, value_name = "FILE", requires = "seed", conflicts_with_all = ["seeds", "from", "threads"])]
    pub(super) trace: Option<PathBuf>,

    /// How many seeds run at the same time [default: the number of processors]
    #[arg(long, value_name = "NUMBER")]
    pub(super) threads: Option<NonZeroU32>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
