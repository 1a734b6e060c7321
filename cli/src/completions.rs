//! `orderflow completions`.

use std::io;

use crate::client::Output;

/// The flags of `orderflow completions`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  orderflow completions bash \\\n    > ~/.local/share/bash-completion/completions/orderflow"
)]
pub struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Writes the completion script of the command line for a shell.
///
/// # Errors
/// If the output cannot be written.
pub fn run(args: CompletionsArgs, mut command_line: clap::Command, output: &mut Output) -> io::Result<()> {
    // clap_complete panics if its writer fails, as a closed pipe does: it writes to memory first.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_line, "orderflow", &mut script);
    output.bytes(&script)?;
    output.flush()
}
