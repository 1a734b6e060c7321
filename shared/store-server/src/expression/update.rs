//! Update expressions.

use orderflow_store_port::{Assignment, Value};

use super::parser::{Parser, Substitutions};
use crate::failure::Failure;

/// Parses the assignments of an update: `SET` with a value or a sum of the attribute itself and a number, and `REMOVE`.
pub(crate) fn parse_assignments(
    expression: &str,
    substitutions: &Substitutions,
) -> Result<Vec<Assignment>, Failure> {
    let mut parser = Parser::new(expression, substitutions)?;
    let mut assignments: Vec<Assignment> = Vec::new();
    while !parser.is_at_end() {
        let clause = if parser.takes_keyword("SET") {
            set
        } else if parser.takes_keyword("REMOVE") {
            |parser: &mut Parser<'_>| parser.name().map(Assignment::Remove)
        } else {
            return Err(parser.refusal());
        };
        loop {
            let assignment = clause(&mut parser)?;
            let name = assignment.attribute();
            if assignments.iter().any(|other| other.attribute() == name) {
                return Err(Failure::invalid(format!("Two document paths overlap with each other: {name}")));
            }
            assignments.push(assignment);
            if !parser.takes(",") {
                break;
            }
        }
    }
    Ok(assignments)
}

fn set(parser: &mut Parser<'_>) -> Result<Assignment, Failure> {
    let name = parser.name()?;
    parser.expect("=")?;
    if parser.takes_function("if_not_exists") {
        let counted = parser.name()?;
        parser.expect(",")?;
        let start = parser.value()?;
        parser.expect(")")?;
        if counted != name || start != Value::N("0".to_owned()) {
            return Err(Failure::unsupported(
                "if_not_exists, except for a sum of the attribute that starts at 0,",
            ));
        }
        return Ok(Assignment::IncrementFromZero(name, change(parser)?));
    }
    match parser.value() {
        Ok(value) => Ok(Assignment::Set(name, value)),
        Err(_) if parser.name()? == name => Ok(Assignment::Increment(name, change(parser)?)),
        Err(_) => Err(Failure::unsupported(format!("another attribute in the assignment of {name}"))),
    }
}

/// Parses what is added or subtracted.
fn change(parser: &mut Parser<'_>) -> Result<i64, Failure> {
    if parser.takes("+") {
        return parser.number();
    }
    parser.expect("-")?;
    let number = parser.number()?;
    number.checked_neg().ok_or_else(|| Failure::unsupported(format!("the number {number}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use orderflow_store_port::Item;

    use super::*;

    fn parse(expression: &str) -> Result<Vec<Assignment>, String> {
        let names = HashMap::from([("#a".to_owned(), "size".to_owned())]);
        let number = |text: &str| Value::N(text.to_owned());
        let values = Item::from([(":n".to_owned(), number("3")), (":zero".to_owned(), number("0"))]);
        let substitutions = Substitutions::new(Some(names), Some(values));
        parse_assignments(expression, &substitutions).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_the_backend_sends_is_understood() {
        let size = || "size".to_owned();
        let sums = "SET #a = if_not_exists(#a, :zero) + :n, b = b - :n REMOVE c, d";
        assert_eq!(
            parse(sums),
            Ok(vec![
                Assignment::IncrementFromZero(size(), 3),
                Assignment::Increment("b".to_owned(), -3),
                Assignment::Remove("c".to_owned()),
                Assignment::Remove("d".to_owned()),
            ])
        );
        assert_eq!(
            parse("REMOVE c SET #a = :n").unwrap()[1],
            Assignment::Set(size(), Value::N("3".to_owned()))
        );
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (expression, named) in [
            ("ADD #a :n", "ADD"),
            ("DELETE #a :n", "DELETE"),
            ("SET #a = b", "another attribute"),
            ("SET #a = if_not_exists(#a, :n) + :n", "if_not_exists"),
            ("SET #a = list_append(#a, :n)", "another attribute"),
            ("SET #a = :n, #a = :n", "overlap"),
            ("SET #a.b = :n", "nested"),
            ("SET #a = :n,", "incomplete"),
        ] {
            let refusal = parse(expression).unwrap_err();
            assert!(refusal.contains(named), "{expression}: {refusal}");
        }
    }
}
