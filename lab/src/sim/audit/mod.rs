//! The auditor: decides from the evidence of a run whether a promise was broken. It shares no code with the handlers, and reads items, events and
//! answers as JSON, by the names that they have in the documents.

mod acknowledged;
mod analytics;
mod answers;
mod dead_letters;
mod delivery;
pub mod evidence;
mod history;
mod item;
mod ledger;
mod notifications;
mod orders;
mod personal;
mod prices;
mod stock;
#[cfg(test)]
mod testing;
mod timeline;

use std::fmt;

pub use evidence::Evidence;
pub(super) use item::subject;

/// A promise that a run broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The stable name of the invariant, such as `at-most-one-charge`.
    pub invariant: &'static str,
    /// The id of the order that it is about, if it is about one.
    pub order: Option<String>,
    /// What was found, in a sentence.
    pub text: String,
}

impl Violation {
    fn of(invariant: &'static str, text: impl Into<String>) -> Self {
        Self { invariant, order: None, text: text.into() }
    }

    fn of_order(invariant: &'static str, order: &str, text: impl Into<String>) -> Self {
        Self { invariant, order: Some(order.to_owned()), text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.order {
            Some(order) => write!(f, "{}: order {order}: {}", self.invariant, self.text),
            None => write!(f, "{}: {}", self.invariant, self.text),
        }
    }
}

/// Returns every violation that the evidence shows.
pub fn audit(evidence: &Evidence) -> Vec<Violation> {
    let checks: [fn(&Evidence) -> Vec<Violation>; 12] = [
        stock::check,
        ledger::check,
        orders::check,
        timeline::check,
        delivery::check,
        dead_letters::check,
        acknowledged::check,
        analytics::check,
        notifications::check,
        personal::check,
        prices::check,
        answers::check,
    ];
    checks.into_iter().flat_map(|check| check(evidence)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::sim::FaultKind;

    /// The files with invariants. The name of each is a constant there.
    const SOURCES: [&str; 13] = [
        include_str!("acknowledged.rs"),
        include_str!("analytics.rs"),
        include_str!("answers.rs"),
        include_str!("dead_letters.rs"),
        include_str!("delivery.rs"),
        include_str!("ledger.rs"),
        include_str!("notifications.rs"),
        include_str!("orders.rs"),
        include_str!("personal.rs"),
        include_str!("prices.rs"),
        include_str!("stock.rs"),
        include_str!("timeline.rs"),
        include_str!("../verdict.rs"),
    ];

    const PAGE: &str = include_str!("../../../../docs/internals/simulation.md");

    /// Returns the first column of the tables under a title of the page.
    fn rows(title: &str) -> BTreeSet<&'static str> {
        let section = PAGE.split(title).nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split('`').next().unwrap()).collect()
    }

    #[test]
    fn the_page_lists_every_invariant() {
        let constants = SOURCES.iter().flat_map(|source| source.lines());
        let constants = constants.filter(|line| line.starts_with("const ") && line.contains(": &str = \""));
        let names = constants.map(|line| line.split('"').nth(1).unwrap());
        assert_eq!(rows("\n## Invariants"), names.collect());
    }

    #[test]
    fn the_page_lists_every_kind_of_fault() {
        let names: BTreeSet<&str> = FaultKind::ALL.into_iter().map(FaultKind::name).collect();
        assert_eq!(rows("\n## Faults"), names);
    }
}
