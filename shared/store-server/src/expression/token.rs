//! The words of an expression.

use crate::failure::Failure;

/// A word of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name of an attribute, a keyword or a function.
    Word(String),
    /// An alias of a name: `#name`.
    Alias(String),
    /// An alias of a value: `:name`.
    Value(String),
    /// An operator or a bracket.
    Symbol(&'static str),
}

/// The symbols, longer ones before those that they begin with.
const SYMBOLS: [&str; 13] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", ".", "["];

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(text) | Self::Alias(text) | Self::Value(text) => f.write_str(text),
            Self::Symbol(symbol) => f.write_str(symbol),
        }
    }
}

/// Divides an expression into words.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, Failure> {
    let (mut found, mut rest) = (Vec::new(), expression.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = |text: &str| text.find(|c: char| !is_part_of_a_name(c)).unwrap_or(text.len());
        let (token, used) = if first == '#' || first == ':' {
            let end = 1 + length(&rest[1..]);
            let text = rest[..end].to_owned();
            (if first == '#' { Token::Alias(text) } else { Token::Value(text) }, end)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = length(rest);
            (Token::Word(rest[..end].to_owned()), end)
        } else {
            let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
            let symbol =
                symbol.ok_or_else(|| Failure::unsupported(format!("{first:?} in {expression:?}")))?;
            (Token::Symbol(symbol), symbol.len())
        };
        found.push(token);
        rest = rest[used..].trim_start();
    }
    Ok(found)
}

fn is_part_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_divided_into_words() {
        let words = tokens("#a=:v0 AND size(b_1) >= :x").unwrap();
        let words: Vec<String> = words.iter().map(Token::to_string).collect();
        assert_eq!(words, ["#a", "=", ":v0", "AND", "size", "(", "b_1", ")", ">=", ":x"]);
        assert!(tokens("a = 'x'").is_err());
        assert!(tokens(" ").unwrap().is_empty());
    }
}
