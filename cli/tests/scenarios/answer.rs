//! Compares the output of a command with the expectation on the page.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// Values that expectations of the page named.
pub(crate) type Names = BTreeMap<String, String>;

/// An expected output: `[eventually] [STATUS] [contains TEXT | JSON]`.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Whether the command is repeated until the expectation holds.
    pub patience: Patience,
    status: Option<u16>,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It must hold at once.
    None,
    /// It must hold eventually.
    Eventually,
}

#[derive(Debug)]
enum Body {
    Anything,
    Text(String),
    Json(Value),
}

impl FromStr for Expected {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let (patience, rest) = match line.strip_prefix("eventually ") {
            Some(rest) => (Patience::Eventually, rest),
            None => (Patience::None, line),
        };
        let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
        let (status, body) = match first.parse() {
            Ok(status) => (Some(status), others),
            Err(_) => (None, rest),
        };
        let body = match body.strip_prefix("contains ") {
            Some(text) => Body::Text(text.to_owned()),
            None if body.is_empty() => Body::Anything,
            None => Body::Json(serde_json::from_str(body)?),
        };
        ensure!(status.is_some() || matches!(body, Body::Text(_)), "neither a status nor a text");
        Ok(Self { patience, status, body })
    }
}

impl Expected {
    /// Checks an output, and adds the values that the expectation names.
    ///
    /// `output` ends with a line for the status if one is expected.
    pub(crate) fn check(&self, output: &str, names: &mut Names) -> Result<()> {
        let body = match self.status {
            Some(expected) => {
                let (body, status) = output.rsplit_once('\n').context("no status")?;
                ensure!(status == expected.to_string(), "the status is {status}");
                body
            }
            None => output,
        };
        match &self.body {
            Body::Anything => Ok(()),
            Body::Text(text) => {
                ensure!(body.contains(text), "it does not contain {text}");
                Ok(())
            }
            Body::Json(expected) => holds(&serde_json::from_str(body)?, expected, names),
        }
    }
}

/// Checks that a value has every expected member; it may have more.
fn holds(actual: &Value, expected: &Value, names: &mut Names) -> Result<()> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (key, expected) in expected {
                let actual = actual.get(key).with_context(|| format!("{key} is missing"))?;
                holds(actual, expected, names).with_context(|| key.clone())?;
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            ensure!(expected.is_empty() == actual.is_empty(), "it has {} elements", actual.len());
            for expected in expected {
                let found = actual.iter().any(|actual| holds(actual, expected, names).is_ok());
                ensure!(found, "no element is {expected}");
            }
        }
        (actual, Value::String(text)) if text.starts_with('<') => {
            let value = actual.as_str().map_or_else(|| actual.to_string(), str::to_owned);
            names.insert(text.trim_matches(['<', '>']).to_owned(), value);
        }
        (actual, Value::String(text)) if text.starts_with('$') => {
            let value = names.get(&text[1..]).with_context(|| format!("{text} has no value"))?;
            ensure!(actual == value.as_str(), "{actual} is not {value}");
        }
        (actual, expected) if actual == expected => {}
        (actual, expected) => bail!("{actual} is not {expected}"),
    }
    Ok(())
}

#[test]
fn differences_are_reported() {
    let mut names = Names::from([("ORDER".to_owned(), "7".to_owned())]);
    let mut check =
        |expected: &str, output: &str| expected.parse::<Expected>().unwrap().check(output, &mut names);
    check(
        r#"200 {"id": "$ORDER", "lines": [{"sku": "A"}]}"#,
        "{\"id\":\"7\",\"x\":1,\"lines\":[{\"sku\":\"B\"},{\"sku\":\"A\"}]}\n200",
    )
    .unwrap();
    for (expected, output) in [
        ("200", "{}\n404"),
        (r#"200 {"id": "$ORDER"}"#, "{\"id\":\"8\"}\n200"),
        (r#"200 {"lines": []}"#, "{\"lines\":[1]}\n200"),
        (r#"200 {"lines": [{"sku": "A"}]}"#, "{\"lines\":[{\"sku\":\"B\"}]}\n200"),
        (r#"200 {"missing": 1}"#, "{}\n200"),
        ("contains word", "another"),
    ] {
        assert!(check(expected, output).is_err(), "{expected} took {output}");
    }
    check(r#"200 {"id": "<NEW>"}"#, "{\"id\":\"9\"}\n200").unwrap();
    assert_eq!(names["NEW"], "9");
}
