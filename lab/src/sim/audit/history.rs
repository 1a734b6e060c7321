//! The tables as they were at any moment of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::{Change, Evidence, Handled};
use super::item::key;

/// The items of all tables after some of the commits.
#[derive(Debug, Default)]
pub(super) struct Tables<'a>(BTreeMap<(&'a str, String), &'a Value>);

impl<'a> Tables<'a> {
    /// Returns an item.
    pub(super) fn get(&self, table: &'static str, key: &str) -> Option<&'a Value> {
        self.0.get(&(table, key.to_owned())).copied()
    }

    /// Returns the items of a table whose keys have a prefix.
    pub(super) fn with_prefix<'b>(
        &'b self,
        table: &'static str,
        prefix: &'b str,
    ) -> impl Iterator<Item = &'a Value> + use<'a, 'b> {
        let from = (table, prefix.to_owned());
        self.0
            .range(from..)
            .take_while(move |((of, key), _)| *of == table && key.starts_with(prefix))
            .map(|(_, item)| *item)
    }

    fn apply(&mut self, change: &'a Change) {
        let Some(item) = change.new.as_ref().or(change.old.as_ref()) else { return };
        let place = (change.table.as_str(), key(&change.table, item));
        match &change.new {
            Some(new) => self.0.insert(place, new),
            None => self.0.remove(&place),
        };
    }
}

/// Something that happened, with the tables after it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happened<'a> {
    /// A commit with all of its changes.
    Commit(&'a [Change]),
    /// A decision about a message.
    Handled(&'a Handled),
}

/// Calls `visit` for each commit and each decision, in their order, with the tables as they are then.
pub(super) fn replay<'a>(
    evidence: &'a Evidence,
    mut visit: impl FnMut(Happened<'a>, &Tables<'a>),
) -> Tables<'a> {
    let mut tables = Tables::default();
    let mut handled = evidence.handled.iter().peekable();
    for commit in evidence.changes.chunk_by(|one, next| one.at.step == next.at.step) {
        while let Some(earlier) = handled.next_if(|handled| handled.at.step < commit[0].at.step) {
            visit(Happened::Handled(earlier), &tables);
        }
        commit.iter().for_each(|change| tables.apply(change));
        visit(Happened::Commit(commit), &tables);
    }
    for rest in handled {
        visit(Happened::Handled(rest), &tables);
    }
    tables
}
