//! Variables that are misspelt or former names of settings.

use std::fmt;

use crate::declared::{ALL, DEVELOPMENT};
use crate::{Setting, Snapshot, Source};

/// The prefix of variables that only this system has.
const PREFIX: &str = "ORDERFLOW_";

/// The most letters in which a misspelt name may differ.
const MAX_DISTANCE: usize = 2;

/// The least length of a misspelt name: shorter names resemble too many others.
const MIN_LENGTH: usize = 8;

/// A variable whose name resembles a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub variable: String,
    /// Where it comes from.
    pub source: Source,
    /// The setting that may be meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variable)?;
        if let Source::EnvFile(line) = self.source {
            write!(f, " (.env line {line})")?;
        }
        f.write_str(" is not a setting")?;
        match self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None if matches!(self.source, Source::EnvFile(_)) => f.write_str(" and is ignored"),
            None => Ok(()),
        }
    }
}

impl Snapshot {
    /// Returns the unknown variables that begin with `ORDERFLOW_`, and those that are a former or a misspelt name of a setting.
    /// In `.env`, every undeclared variable is unknown.
    pub fn unknown_variables(&self) -> Vec<UnknownVariable> {
        let ignored = self.ignored().iter().filter(|(name, _)| !DEVELOPMENT.contains(&name.as_str()));
        let ignored = ignored.map(|(name, source)| UnknownVariable {
            variable: name.clone(),
            source: *source,
            nearest: nearest(name),
        });
        self.names().filter_map(|(name, source)| unknown(name, source)).chain(ignored).collect()
    }
}

fn unknown(name: &str, source: Source) -> Option<UnknownVariable> {
    if ALL.iter().any(|setting| setting.variable == name) || DEVELOPMENT.contains(&name) {
        return None;
    }
    let nearest = nearest(name);
    let is_ours = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    (is_ours || nearest.is_some()).then(|| UnknownVariable { variable: name.to_owned(), source, nearest })
}

fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix(PREFIX).unwrap_or(&upper);
    let is_meant = |setting: &&&Setting| {
        setting.former_variable == Some(name)
            || setting.variable == upper
            || setting.variable == bare
            || setting.variable.strip_prefix(PREFIX) == Some(bare) && bare != upper
    };
    if let Some(setting) = ALL.iter().find(is_meant) {
        return Some(setting.variable);
    }
    if name.len() < MIN_LENGTH {
        return None;
    }
    let distances = ALL.iter().map(|setting| (distance(&upper, setting.variable), setting.variable));
    let (distance, variable) = distances.min()?;
    (distance <= MAX_DISTANCE).then_some(variable)
}

/// Returns the number of letters to insert, delete, replace or swap with their neighbour: the optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if is_swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(name: &str) -> Vec<String> {
        let snapshot = Snapshot::from_variables([(name, "1")]);
        snapshot.unknown_variables().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_name_gets_a_suggestion() {
        for (name, meant) in [
            ("ORDERFLOW_PROT", "ORDERFLOW_PORT"),
            ("orderflow_port", "ORDERFLOW_PORT"),
            ("ORDERFLOW_CATALOG_CACHE_TTL", "CATALOG_CACHE_TTL"),
            ("PAYMENT_SUCESS_RATE", "PAYMENT_SUCCESS_RATE"),
            ("OTEL_EXPORTER_OTLP_ENDPONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("ORDER_REDRIVE_AFTER", "ORDER_RESEND_AFTER"),
        ] {
            assert_eq!(warnings(name), [format!("{name} is not a setting; did you mean {meant}?")]);
        }
    }

    #[test]
    fn a_name_like_no_other_gets_none() {
        assert_eq!(
            warnings("ORDERFLOW_COLOUR_OF_THE_SHOP"),
            ["ORDERFLOW_COLOUR_OF_THE_SHOP is not a setting"]
        );
    }

    #[test]
    fn variables_of_others_are_not_reported() {
        for name in [
            "PATH",
            "PORT",
            "HOST",
            "LOGNAME",
            "RUST_BACKTRACE",
            "AWS_ENDPOINT_URL_SQS",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "ORDERFLOW_PORT",
            "ORDERFLOW_TOOLS_DIR",
        ] {
            assert_eq!(warnings(name), [""; 0], "{name}");
        }
    }
}
