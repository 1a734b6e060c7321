//! Text of a server on a person's terminal.

/// The text with each control character as a blank, so that nothing that a server sends can steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_blanks() {
        assert_eq!(printable("a\u{1b}[2J\nü"), "a [2J ü");
    }
}
