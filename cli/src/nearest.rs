//! Commands that a user may mean who leaves the first word of a command out, such as `orderflow cancel`.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The most commands that are named.
const NAMED_MAX: usize = 3;

/// Returns the commands that end with the word which `error` refuses as a command. A misspelt one is named by the error itself.
#[must_use]
pub fn meant(error: &clap::Error, root: &clap::Command) -> Option<String> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let mut found = Vec::new();
    collect(root, root.get_name(), word, &mut found);
    found.truncate(NAMED_MAX);
    match &found[..] {
        [] => None,
        found => Some(format!("did you mean {}?", found.join(" or "))),
    }
}

fn collect(command: &clap::Command, path: &str, word: &str, found: &mut Vec<String>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let path = format!("{path} {}", inner.get_name());
        if inner.get_name().eq_ignore_ascii_case(word) {
            found.push(format!("`{path}`"));
        }
        collect(inner, &path, word, found);
    }
}
