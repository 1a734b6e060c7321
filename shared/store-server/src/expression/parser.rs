//! Goes through the words of an expression and replaces the aliases in it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use orderflow_store_port::{Item, Value};

use super::token::{Token, tokens};
use crate::failure::Failure;

/// The names and values to which the aliases of a request's expressions refer.
#[derive(Debug, Default)]
pub(crate) struct Substitutions {
    names: HashMap<String, String>,
    values: Item,
    used: RefCell<BTreeSet<String>>,
}

impl Substitutions {
    pub(crate) fn new(names: Option<HashMap<String, String>>, values: Option<Item>) -> Self {
        let (names, values) = (names.unwrap_or_default(), values.unwrap_or_default());
        Self { names, values, used: RefCell::default() }
    }

    /// Refuses aliases that no expression uses, as DynamoDB does.
    pub(crate) fn check_that_all_are_used(&self) -> Result<(), Failure> {
        let used = self.used.borrow();
        let mut aliases = self.names.keys().chain(self.values.keys());
        match aliases.find(|alias| !used.contains(*alias)) {
            None => Ok(()),
            Some(unused) => Err(Failure::invalid(format!("{unused} is not used in any expression"))),
        }
    }

    fn name(&self, alias: &str) -> Result<String, Failure> {
        self.used.borrow_mut().insert(alias.to_owned());
        let name = self.names.get(alias);
        name.cloned().ok_or_else(|| Failure::invalid(format!("{alias} is not in ExpressionAttributeNames")))
    }

    fn value(&self, alias: &str) -> Result<Value, Failure> {
        self.used.borrow_mut().insert(alias.to_owned());
        let value = self.values.get(alias);
        value.cloned().ok_or_else(|| Failure::invalid(format!("{alias} is not in ExpressionAttributeValues")))
    }
}

/// Goes through the words of one expression.
pub(super) struct Parser<'a> {
    expression: &'a str,
    tokens: Vec<Token>,
    position: usize,
    substitutions: &'a Substitutions,
}

impl<'a> Parser<'a> {
    pub(super) fn new(expression: &'a str, substitutions: &'a Substitutions) -> Result<Self, Failure> {
        let tokens = tokens(expression)?;
        if tokens.is_empty() {
            return Err(Failure::invalid("an expression is empty"));
        }
        Ok(Self { expression, tokens, position: 0, substitutions })
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position == self.tokens.len()
    }

    /// Takes the next word if it is this symbol.
    pub(super) fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.position += usize::from(found);
        found
    }

    /// Takes the next word if it is this keyword, in any case.
    pub(super) fn takes_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.position += usize::from(found);
        found
    }

    /// Takes the name of a function and its opening bracket, if they are next.
    pub(super) fn takes_function(&mut self, name: &str) -> bool {
        let called = self.tokens.get(self.position + 1) == Some(&Token::Symbol("("));
        let found = called && matches!(self.peek(), Some(Token::Word(word)) if word == name);
        self.position += if found { 2 } else { 0 };
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), Failure> {
        if self.takes(symbol) { Ok(()) } else { Err(self.refusal()) }
    }

    /// Takes a comparison operator.
    pub(super) fn operator(&mut self) -> Result<&'static str, Failure> {
        match self.peek() {
            Some(Token::Symbol(symbol)) if ["=", "<>", "<", "<=", ">", ">="].contains(symbol) => {
                let symbol = *symbol;
                self.position += 1;
                Ok(symbol)
            }
            _ => Err(self.refusal()),
        }
    }

    /// Takes the name of a top-level attribute.
    pub(super) fn name(&mut self) -> Result<String, Failure> {
        let name = match self.peek() {
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Alias(alias)) => self.substitutions.name(alias)?,
            _ => return Err(self.refusal()),
        };
        self.position += 1;
        match self.peek() {
            Some(Token::Symbol("." | "[")) => {
                Err(Failure::unsupported(format!("a nested attribute in {:?}", self.expression)))
            }
            _ => Ok(name),
        }
    }

    /// Takes an alias of a value, and returns the value.
    pub(super) fn value(&mut self) -> Result<Value, Failure> {
        let Some(Token::Value(alias)) = self.peek() else { return Err(self.refusal()) };
        let value = self.substitutions.value(alias)?;
        self.position += 1;
        Ok(value)
    }

    /// Takes an alias of a text.
    pub(super) fn text(&mut self) -> Result<String, Failure> {
        match self.value()? {
            Value::S(text) => Ok(text),
            _ => Err(Failure::invalid("Condition parameter type does not match schema type")),
        }
    }

    /// Takes an alias of a whole number.
    pub(super) fn number(&mut self) -> Result<i64, Failure> {
        match self.value()? {
            Value::N(number) => {
                number.parse().map_err(|_| Failure::unsupported(format!("the number {number}")))
            }
            other => Err(Failure::invalid(format!("{other:?} is not a number"))),
        }
    }

    /// Refuses the next word, with its name.
    pub(super) fn refusal(&self) -> Failure {
        match self.peek() {
            Some(token) => Failure::unsupported(format!("{:?} in {:?}", token.to_string(), self.expression)),
            None => Failure::invalid(format!("the expression {:?} is incomplete", self.expression)),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }
}
