//! Projection expressions.

use orderflow_store_port::Item;

use super::parser::{Parser, Substitutions};
use crate::failure::Failure;

/// The attributes to which items are reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projection(Option<Vec<String>>);

impl Projection {
    /// Leaves out the other attributes of an item.
    pub(crate) fn reduce(&self, mut item: Item) -> Item {
        if let Some(names) = &self.0 {
            item.retain(|name, _| names.contains(name));
        }
        item
    }
}

/// Parses a list of top-level attributes. Without an expression, items are left as they are.
pub(crate) fn parse_projection(
    expression: Option<&str>,
    substitutions: &Substitutions,
) -> Result<Projection, Failure> {
    let Some(expression) = expression else { return Ok(Projection(None)) };
    let mut parser = Parser::new(expression, substitutions)?;
    let mut names = vec![parser.name()?];
    while parser.takes(",") {
        names.push(parser.name()?);
    }
    if parser.is_at_end() { Ok(Projection(Some(names))) } else { Err(parser.refusal()) }
}

#[cfg(test)]
mod tests {
    use orderflow_store_port::Value;

    use super::*;

    #[test]
    fn a_projection_is_a_list_of_attributes() {
        let none = Substitutions::default();
        let item = Item::from(["a", "b", "c"].map(|name| (name.to_owned(), Value::Bool(true))));
        assert_eq!(parse_projection(None, &none).unwrap().reduce(item.clone()).len(), 3);
        assert_eq!(parse_projection(Some("a, x, c"), &none).unwrap().reduce(item).len(), 2);
        for refused in ["", "a,", "a b", "a.b", "a[0]", ":v"] {
            assert!(parse_projection(Some(refused), &none).is_err(), "{refused}");
        }
    }
}
