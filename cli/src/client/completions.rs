//! `orderflow completions`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::client::{ClientError, Output};

/// `orderflow completions`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  orderflow completions bash > ~/.local/share/bash-completion/completions/orderflow"
)]
pub struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self, output: &mut Output) -> Result<(), ClientError> {
        // clap_complete panics if its writer fails, as a closed pipe does: it writes to memory first.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "orderflow", &mut script);
        Ok(output.bytes(&script)?)
    }
}
