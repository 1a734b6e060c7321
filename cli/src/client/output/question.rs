//! Questions to the user.

use std::io::{self, IsTerminal};

use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

use crate::client::Output;

/// Returns whether questions can be asked: stdin and stderr are terminals.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question. Only `y` and `yes` confirm; Ctrl-C and the end of the input do not.
///
/// # Errors
/// If the answer cannot be read.
pub(crate) async fn confirm(question: &str, output: &mut Output) -> io::Result<bool> {
    output.note(format_args!("{question} [y/N]"));
    let answer = spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => Ok(is_yes(&answer.map_err(io::Error::other)??)),
        interrupted = ctrl_c() => interrupted.map(|()| false),
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_y_and_yes_confirm() {
        for (answer, yes) in
            [("y\n", true), (" YES\r\n", true), ("", false), ("\n", false), ("yeah\n", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }
}
