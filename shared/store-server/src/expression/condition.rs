//! Condition expressions.

use orderflow_store_port::Condition;

use super::parser::{Parser, Substitutions};
use crate::failure::Failure;

/// Parses the conditions of a write to a table with this hash key: comparisons with `=` and `>=`, and whether the item exists, joined by `AND`.
pub(crate) fn parse_conditions(
    expression: &str,
    substitutions: &Substitutions,
    hash: &str,
) -> Result<Vec<Condition>, Failure> {
    let mut parser = Parser::new(expression, substitutions)?;
    let mut conditions = Vec::new();
    conjunction(&mut parser, hash, &mut conditions)?;
    if parser.is_at_end() { Ok(conditions) } else { Err(parser.refusal()) }
}

fn conjunction(parser: &mut Parser<'_>, hash: &str, conditions: &mut Vec<Condition>) -> Result<(), Failure> {
    loop {
        if parser.takes("(") {
            conjunction(parser, hash, conditions)?;
            parser.expect(")")?;
        } else {
            conditions.push(condition(parser, hash)?);
        }
        if !parser.takes_keyword("AND") {
            return Ok(());
        }
    }
}

fn condition(parser: &mut Parser<'_>, hash: &str) -> Result<Condition, Failure> {
    for (function, condition) in
        [("attribute_not_exists", Condition::Absent), ("attribute_exists", Condition::Present)]
    {
        if parser.takes_function(function) {
            let name = parser.name()?;
            if name != hash {
                return Err(Failure::unsupported(format!("{function} of another attribute than {hash}")));
            }
            parser.expect(")")?;
            return Ok(condition);
        }
    }
    let name = parser.name()?;
    if parser.takes("=") {
        return Ok(Condition::Equals(name, parser.value()?));
    }
    if parser.takes(">=") {
        return Ok(Condition::AtLeast(name, parser.number()?));
    }
    Err(parser.refusal())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use orderflow_store_port::{Item, Value};

    use super::*;

    fn parse(expression: &str) -> Result<Vec<Condition>, String> {
        let names = HashMap::from([("#h".to_owned(), "id".to_owned()), ("#a".to_owned(), "size".to_owned())]);
        let values = Item::from([(":n".to_owned(), Value::N("3".to_owned()))]);
        let substitutions = Substitutions::new(Some(names), Some(values));
        parse_conditions(expression, &substitutions, "id").map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_the_backend_and_boto3_send_is_understood() {
        let equals = Condition::Equals("size".to_owned(), Value::N("3".to_owned()));
        let at_least = Condition::AtLeast("size".to_owned(), 3);
        assert_eq!(parse("attribute_not_exists(#h)"), Ok(vec![Condition::Absent]));
        assert_eq!(parse("attribute_exists(id)"), Ok(vec![Condition::Present]));
        assert_eq!(parse("#a = :n AND #a >= :n"), Ok(vec![equals.clone(), at_least]));
        assert_eq!(parse("(attribute_exists(#h) and #a = :n)"), Ok(vec![Condition::Present, equals]));
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (expression, named) in [
            ("attribute_exists(#a)", "attribute_exists"),
            ("#a < :n", "<"),
            ("#a = :n OR #a = :n", "OR"),
            ("NOT #a = :n", "#a"),
            ("contains(#a, :n)", "("),
            ("#a.b = :n", "nested"),
            ("#x = :n", "#x"),
            ("#a = :x", ":x"),
            ("#a =", "incomplete"),
            ("(#a = :n", "incomplete"),
            ("", "empty"),
        ] {
            let refusal = parse(expression).unwrap_err();
            assert!(refusal.contains(named), "{expression}: {refusal}");
        }
    }
}
