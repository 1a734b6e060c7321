//! The `orderflow` commands of the documents against the command line.

use orderflow::cli::Cli;

use crate::page::pages;

/// An id that commands accept for an order, a message or a dead letter.
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Returns the words of the `orderflow` command on a line of shell, or `None` if the line has none.
fn orderflow_command(line: &str) -> Option<Vec<String>> {
    let start = line.match_indices("orderflow ").map(|(at, _)| at).find(|at| {
        let before = line[..*at].trim_end();
        before.is_empty()
            || before.ends_with(['(', ';', '|'])
            || before.ends_with("until")
            || is_variables(before)
    })?;
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quote, mut is_quoted) = (None, false);
    for c in line[start..].chars().chain([' ']) {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => word.push(c),
            None if matches!(c, '\'' | '"') => (quote, is_quoted) = (Some(c), true),
            None if c == ' ' || c == ')' || c == ';' => {
                let ends = !is_quoted
                    && matches!(
                        word.as_str(),
                        "&" | "|" | "||" | "&&" | "#" | ">" | ">>" | "2>" | "2>>" | "2>&1"
                    );
                if ends || (!is_quoted && word.starts_with('#')) {
                    break;
                }
                if is_quoted || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_quoted = false;
                if c != ' ' {
                    break;
                }
            }
            None => word.push(c),
        }
    }
    Some(words)
}

/// Returns whether a text sets variables for the command after it.
fn is_variables(text: &str) -> bool {
    text.split_whitespace()
        .all(|word| word.split_once('=').is_some_and(|(name, _)| name.chars().all(is_of_name)))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_uppercase() || c == '_'
}

/// Replaces a placeholder for an id by an id.
fn filled(word: String) -> String {
    if word == "ID" || word.starts_with('$') { ID.to_owned() } else { word }
}

#[test]
fn every_orderflow_command_of_a_page_parses() {
    let mut commands = 0;
    for page in pages() {
        for block in &page.blocks {
            for line in block.text.replace("\\\n", " ").lines() {
                let Some(words) = orderflow_command(line) else { continue };
                if let Err(error) = Cli::command_from(words.into_iter().map(filled)) {
                    let is_help = error.exit_code() == 0;
                    assert!(is_help, "{}: {line}: {error}", page.path);
                }
                commands += 1;
            }
        }
    }
    assert!(commands > 50, "{commands} commands");
}

#[test]
fn commands_are_found_in_lines_of_shell() {
    let words = |line| orderflow_command(line).map(|words| words.join("|"));
    assert_eq!(words("orderflow up --port 0 &").as_deref(), Some("orderflow|up|--port|0"));
    assert_eq!(words("A=b orderflow order get 'x y' # why").as_deref(), Some("orderflow|order|get|x y"));
    assert_eq!(
        words("id=$(orderflow order place --item A:1)").as_deref(),
        Some("orderflow|order|place|--item|A:1")
    );
    assert_eq!(words("docker compose exec payment orderflow dlq list"), None);
    assert_eq!(words("cd orderflow "), None);
}
