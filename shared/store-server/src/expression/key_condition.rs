//! Key condition expressions.

use orderflow_store_port::KeyRange;

use super::parser::{Parser, Substitutions};
use crate::failure::Failure;

/// The longest key of a range in bytes (AWS limit).
const MAX_RANGE_KEY: usize = 1_024;

/// The last character of Unicode, with the highest UTF-8 bytes.
const LAST: char = char::MAX;

/// The first text that is not empty.
const FIRST: &str = "\u{0}";

/// Parses the hash key, and the range of keys, of a query of a table or index with these keys.
pub(crate) fn parse_key_condition(
    expression: &str,
    substitutions: &Substitutions,
    (hash, range): (&str, Option<&str>),
) -> Result<(String, KeyRange), Failure> {
    let mut parser = Parser::new(expression, substitutions)?;
    let mut found = Found::default();
    conjunction(&mut parser, (hash, range), &mut found)?;
    if !parser.is_at_end() {
        return Err(parser.refusal());
    }
    let hash = found
        .hash
        .ok_or_else(|| Failure::invalid(format!("Query condition missed key schema element: {hash}")))?;
    Ok((hash, found.range.unwrap_or(KeyRange::All)))
}

#[derive(Default)]
struct Found {
    hash: Option<String>,
    range: Option<KeyRange>,
}

fn conjunction(
    parser: &mut Parser<'_>,
    keys: (&str, Option<&str>),
    found: &mut Found,
) -> Result<(), Failure> {
    loop {
        if parser.takes("(") {
            conjunction(parser, keys, found)?;
            parser.expect(")")?;
        } else {
            condition(parser, keys, found)?;
        }
        if !parser.takes_keyword("AND") {
            return Ok(());
        }
    }
}

fn condition(
    parser: &mut Parser<'_>,
    (hash, range): (&str, Option<&str>),
    found: &mut Found,
) -> Result<(), Failure> {
    let (name, condition) = if parser.takes_function("begins_with") {
        let name = parser.name()?;
        parser.expect(",")?;
        let prefix = parser.text()?;
        parser.expect(")")?;
        (name, KeyRange::Between(prefix.clone(), highest(prefix)))
    } else {
        let name = parser.name()?;
        if name == hash {
            parser.expect("=")?;
            let is_first = found.hash.replace(parser.text()?).is_none();
            return if is_first { Ok(()) } else { Err(twice(&name)) };
        }
        let condition = range_condition(parser)?;
        (name, condition)
    };
    if Some(name.as_str()) != range {
        return Err(Failure::invalid(format!("Query key condition not supported: {name} is no key")));
    }
    if found.range.replace(condition).is_some() { Err(twice(&name)) } else { Ok(()) }
}

fn range_condition(parser: &mut Parser<'_>) -> Result<KeyRange, Failure> {
    if parser.takes_keyword("BETWEEN") {
        let first = parser.text()?;
        if !parser.takes_keyword("AND") {
            return Err(parser.refusal());
        }
        return Ok(KeyRange::Between(first, parser.text()?));
    }
    let operator = parser.operator()?;
    let bound = parser.text()?;
    match operator {
        "=" => Ok(KeyRange::Between(bound.clone(), bound)),
        ">" => Ok(KeyRange::After(bound)),
        "<" => Ok(KeyRange::Before(bound)),
        ">=" => Ok(KeyRange::Between(bound, highest(String::new()))),
        "<=" => Ok(KeyRange::Between(FIRST.to_owned(), bound)),
        other => Err(Failure::unsupported(format!("{other} in a key condition"))),
    }
}

/// Returns the highest key with this prefix.
fn highest(mut prefix: String) -> String {
    while prefix.len() + LAST.len_utf8() <= MAX_RANGE_KEY {
        prefix.push(LAST);
    }
    prefix
}

fn twice(name: &str) -> Failure {
    Failure::invalid(format!("KeyConditionExpressions must only contain one condition per key: {name}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use orderflow_store_port::{Item, Value};

    use super::*;

    fn parse(expression: &str) -> Result<(String, KeyRange), String> {
        let names = HashMap::from([("#n0".to_owned(), "pk".to_owned()), ("#n1".to_owned(), "sk".to_owned())]);
        let text = |text: &str| Value::S(text.to_owned());
        let values = Item::from([(":v0".to_owned(), text("a")), (":v1".to_owned(), text("b"))]);
        let substitutions = Substitutions::new(Some(names), Some(values));
        parse_key_condition(expression, &substitutions, ("pk", Some("sk"))).map_err(|f| f.to_string())
    }

    #[test]
    fn what_the_backend_and_boto3_send_is_understood() {
        let (a, b) = ("a".to_owned(), "b".to_owned());
        for (expression, range) in [
            ("pk = :v0", KeyRange::All),
            ("#n0 = :v0 AND #n1 > :v1", KeyRange::After(b.clone())),
            ("(#n0 = :v0 AND #n1 < :v1)", KeyRange::Before(b.clone())),
            ("#n0 = :v0 AND #n1 BETWEEN :v0 AND :v1", KeyRange::Between(a.clone(), b.clone())),
            ("#n1 = :v1 AND #n0 = :v0", KeyRange::Between(b.clone(), b.clone())),
            ("#n0 = :v0 AND #n1 <= :v1", KeyRange::Between(FIRST.to_owned(), b.clone())),
        ] {
            assert_eq!(parse(expression), Ok((a.clone(), range)), "{expression}");
        }
        let (_, range) = parse("#n0 = :v0 AND begins_with(#n1, :v1)").unwrap();
        let KeyRange::Between(first, last) = range else { panic!("{range:?}") };
        assert!(first == "b" && *"b\u{10FFFF}z" < *last && *last < *"c");
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (expression, named) in [
            ("#n1 = :v1", "pk"),
            ("#n0 > :v0", ">"),
            ("#n0 = :v0 AND other = :v1", "other"),
            ("#n0 = :v0 OR #n1 = :v1", "OR"),
            ("#n0 = :v0 AND #n1 <> :v1", "<>"),
            ("#n0 = :v0 AND #n0 = :v1", "one condition per key"),
            ("#n0 = :v0 AND #n1 > :v0 AND #n1 < :v1", "one condition per key"),
        ] {
            let refusal = parse(expression).unwrap_err();
            assert!(refusal.contains(named), "{expression}: {refusal}");
        }
    }
}
