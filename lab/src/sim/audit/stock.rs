//! Stock: nothing appears, nothing is lost, nothing is negative, and what is reserved is reserved for an order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence, Exchange};
use super::history::{Happened, Tables, replay};
use super::item::{array, number, text};

const NEGATIVE: &str = "stock-never-negative";
const CONSERVED: &str = "stock-conserved";
const HELD: &str = "reserved-is-held";
const ONCE: &str = "correction-once";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut corrections: BTreeMap<&str, usize> = BTreeMap::new();
    replay(evidence, |happened, tables| {
        let Happened::Commit(changes) = happened else { return };
        let inventory = changes.iter().filter(|change| change.table == "inventory");
        let mut touched = BTreeSet::new();
        for change in inventory {
            match stock_of(change) {
                Some(sku) => {
                    touched.insert(sku);
                    let corrected = corrected(change);
                    *corrections.entry(sku).or_default() += usize::from(corrected != 0);
                    found.extend(level(sku, change, tables));
                    found.extend(keyed(sku, change, changes));
                }
                None => touched.extend(skus_of(change)),
            }
        }
        found.extend(touched.into_iter().filter_map(|sku| held(sku, tables)));
    });
    found.extend(answered(evidence, &corrections));
    found
}

/// Returns the sku of a changed stock level.
fn stock_of(change: &Change) -> Option<&str> {
    let item = change.new.as_ref().or(change.old.as_ref())?;
    text(item, "pk").strip_prefix("stock#")
}

/// Returns the skus of a changed reservation.
fn skus_of(change: &Change) -> impl Iterator<Item = &str> {
    let items = change.old.iter().chain(&change.new);
    items.flat_map(|item| array(item, "lines")).map(|line| text(line, "sku"))
}

/// Returns the number of corrections that a change of a level makes.
fn corrected(change: &Change) -> i64 {
    let corrections = |item: &Option<Value>| item.as_ref().map_or(0, |item| number(item, "corrections"));
    corrections(&change.new) - corrections(&change.old)
}

/// Checks one change of a level.
fn level(sku: &str, change: &Change, tables: &Tables<'_>) -> Vec<Violation> {
    let Some(new) = &change.new else {
        return vec![Violation::of(CONSERVED, format!("the stock level of {sku} was deleted"))];
    };
    let (available, reserved) = (number(new, "available"), number(new, "reserved"));
    let mut found = Vec::new();
    if available < 0 || reserved < 0 {
        let text = format!("{sku} has {available} available and {reserved} reserved units");
        found.push(Violation::of(NEGATIVE, text));
    }
    let before = match &change.old {
        Some(old) => Some(number(old, "available") + number(old, "reserved")),
        None => tables.get("catalog", sku).map(|product| number(product, "stock")),
    };
    let Some(before) = before else {
        found.push(Violation::of(CONSERVED, format!("{sku} has stock, and is no product")));
        return found;
    };
    let expected = match corrected(change) {
        0 => before,
        1 => before + number(new, "change"),
        other => {
            found.push(Violation::of(ONCE, format!("one write counted {other} corrections of {sku}")));
            return found;
        }
    };
    if available + reserved != expected {
        let text = format!(
            "{sku} has {available} available and {reserved} reserved units, and {expected} were stocked"
        );
        found.push(Violation::of(CONSERVED, text));
    }
    found
}

/// Checks a correction against the record of its key, which is written with it.
fn keyed(sku: &str, change: &Change, commit: &[Change]) -> Option<Violation> {
    let prefix = format!("key#{sku}#");
    let record = commit
        .iter()
        .filter(|other| other.old.is_none())
        .find_map(|other| other.new.as_ref().filter(|item| text(item, "pk").starts_with(&prefix)))?;
    let (correction, new) = (record.get("correction")?, change.new.as_ref()?);
    let is_right = match (correction.get("set"), correction.get("adjust")) {
        (Some(set), _) => number(new, "available") == set.as_i64()?,
        (_, Some(adjust)) => number(new, "change") == adjust.as_i64()?,
        _ => true,
    };
    let wrong = || Violation::of(ONCE, format!("{correction} of {sku} made the level {new}"));
    (!is_right || corrected(change) != 1).then(wrong)
}

/// Checks that the reserved units of a sku are those of the reservations.
fn held(sku: &str, tables: &Tables<'_>) -> Option<Violation> {
    let reservations = tables.with_prefix("inventory", "order#");
    let held: i64 = reservations
        .filter(|reservation| text(reservation, "status") == "reserved")
        .flat_map(|reservation| array(reservation, "lines"))
        .filter(|line| text(line, "sku") == sku)
        .map(|line| number(line, "quantity"))
        .sum();
    let reserved =
        tables.get("inventory", &format!("stock#{sku}")).map_or(0, |level| number(level, "reserved"));
    let text = || format!("{reserved} units of {sku} are reserved, and orders hold {held}");
    (held != reserved).then(|| Violation::of(HELD, text()))
}

/// Checks the number of corrections against the requests for them: at most one for each, and one for each that was answered with success.
fn answered(evidence: &Evidence, corrections: &BTreeMap<&str, usize>) -> Vec<Violation> {
    let mut asked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut done: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (number, exchange) in evidence.exchanges.iter().enumerate() {
        let Some(sku) = corrected_sku(exchange) else { continue };
        let request = exchange.idempotency_key.clone().unwrap_or_else(|| format!("without key {number}"));
        if exchange.status.is_some_and(|status| status < 300) {
            done.entry(sku).or_default().insert(request.clone());
        }
        asked.entry(sku).or_default().insert(request);
    }
    let count = |of: &BTreeMap<&str, BTreeSet<String>>, sku| of.get(sku).map_or(0, BTreeSet::len);
    let skus: BTreeSet<&str> = asked.keys().chain(corrections.keys()).copied().collect();
    let wrong = skus.into_iter().filter_map(|sku| {
        let (least, most) = (count(&done, sku), count(&asked, sku));
        let made = corrections.get(sku).copied().unwrap_or(0);
        let text = || format!("{made} corrections of {sku} were made; {least} were answered with success and {most} asked for");
        (made < least || made > most).then(|| Violation::of(ONCE, text()))
    });
    wrong.collect()
}

fn corrected_sku(exchange: &Exchange) -> Option<&str> {
    let path = exchange.path.strip_prefix("/api/v1").unwrap_or(&exchange.path);
    path.strip_prefix("/inventory/").filter(|_| exchange.method == "POST")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names, request};

    fn level(available: i64, reserved: i64, corrections: i64, change: i64) -> Value {
        json!({"pk": "stock#TEA", "sku": "TEA", "available": available, "reserved": reserved, "corrections": corrections, "change": change})
    }

    fn reservation(status: &str) -> Value {
        json!({"pk": "order#o1", "order_id": "o1", "status": status, "lines": [{"sku": "TEA", "quantity": 2}]})
    }

    /// A product with 10 units of which an order holds 2.
    fn story() -> Story {
        let mut story = Story::default();
        story.write("catalog", json!({"sku": "TEA", "stock": 10}));
        story.write("inventory", level(10, 0, 0, 0));
        story.commit([("inventory", level(8, 2, 0, 0)), ("inventory", reservation("reserved"))]);
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn units_that_move_and_return_are_in_order() {
        let mut story = story();
        story.commit([("inventory", level(10, 0, 0, 0)), ("inventory", reservation("released"))]);
        story.write("inventory", level(13, 0, 1, 3));
        story.evidence.exchanges.push(request("POST", "/api/v1/inventory/TEA", json!({"adjust": 3}), 200));
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn a_level_below_zero_is_found() {
        let mut story = story();
        story.write("inventory", level(-1, 2, 1, -9));
        story.evidence.exchanges.push(request("POST", "/inventory/TEA", json!({"adjust": -9}), 200));
        assert_eq!(found(story), [NEGATIVE]);
    }

    #[test]
    fn units_released_twice_are_found() {
        let mut story = story();
        story.commit([("inventory", level(10, 0, 0, 0)), ("inventory", reservation("released"))]);
        story.write("inventory", level(12, 0, 0, 0));
        assert_eq!(found(story), [CONSERVED]);
    }

    #[test]
    fn a_release_that_forgets_the_units_is_found() {
        let mut story = story();
        story.write("inventory", reservation("released"));
        assert_eq!(found(story), [HELD]);
    }

    #[test]
    fn a_correction_that_is_made_twice_is_found() {
        let mut story = story();
        story.write("inventory", level(11, 2, 1, 3));
        story.write("inventory", level(14, 2, 2, 3));
        let mut exchange = request("POST", "/inventory/TEA", json!({"adjust": 3}), 200);
        exchange.idempotency_key = Some("k".to_owned());
        story.evidence.exchanges.extend([exchange.clone(), exchange]);
        assert_eq!(found(story), [ONCE]);
    }

    #[test]
    fn a_correction_that_was_answered_and_not_made_is_found() {
        let mut story = story();
        story.evidence.exchanges.push(request("POST", "/inventory/TEA", json!({"adjust": 3}), 200));
        assert_eq!(found(story), [ONCE]);
    }

    #[test]
    fn a_correction_that_sets_another_number_is_found() {
        let mut story = story();
        story.evidence.exchanges.push(request("POST", "/inventory/TEA", json!({"set": 5}), 200));
        let key = json!({"pk": "key#TEA#k", "correction": {"set": 5}});
        story.commit([("inventory", level(6, 2, 1, -2)), ("inventory", key)]);
        assert_eq!(found(story), [ONCE]);
    }
}
