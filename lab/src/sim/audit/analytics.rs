//! Analytics: the figures are those of a recount of the orders whose events `analytics` acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Fate, Handled};
use super::item::{amount, array, number, subject, text};

const RECOUNT: &str = "analytics-equal-a-recount";

/// Figures by their name, such as `orders`, `revenue`, `sku TEA`, `minute orders` or `day revenue`.
type Figures = BTreeMap<String, i64>;

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let stored = stored(evidence);
    let (least, most) = (recount(evidence, is_acknowledged), recount(evidence, may_be_counted));
    let names: BTreeSet<&String> = stored.keys().chain(most.keys()).collect();
    let figure = |of: &Figures, name: &str| of.get(name).copied().unwrap_or(0);
    let is_right = |name: &str| (figure(&least, name)..=figure(&most, name)).contains(&figure(&stored, name));
    let wrong = names.into_iter().filter(|name| !is_right(name));
    let described = wrong.map(|name| {
        let (stored, least, most) = (figure(&stored, name), figure(&least, name), figure(&most, name));
        let recount = if least == most { least.to_string() } else { format!("{least} to {most}") };
        Violation::of(RECOUNT, format!("{name} is {stored}, and a recount is {recount}"))
    });
    described.collect()
}

fn is_acknowledged(handled: &Handled) -> bool {
    handled.fate == Fate::Acknowledged
}

/// Returns whether an event was delivered. If it was purged after that, and before it was acknowledged, it may be counted or not.
fn may_be_counted(handled: &Handled) -> bool {
    handled.attempt > 0
}

/// The numbers of a counter, in the order in which a buffer has them.
const NUMBERS: [&str; 6] = ["quantity", "orders", "confirmed", "rejected", "cancelled", "revenue"];

/// Returns the figures of the current generation: its counters, and what its buffers hold in front of them.
fn stored(evidence: &Evidence) -> Figures {
    let items = evidence.table("analytics");
    let generation =
        items.iter().find(|item| text(item, "pk") == "generations").map_or(0, |item| number(item, "current"));
    let mut figures = Figures::new();
    for item in items {
        let mut parts = text(item, "pk").split('#');
        let (kind, of) = (parts.next().unwrap_or(""), parts.next().and_then(|text| text.parse().ok()));
        if of != Some(generation) {
            continue;
        }
        match kind {
            "buffer" => {
                let counts = item.get("counts").and_then(Value::as_object);
                for (name, numbers) in counts.into_iter().flatten() {
                    let numbers: Vec<i64> = numbers
                        .as_str()
                        .unwrap_or("")
                        .split(',')
                        .filter_map(|number| number.parse().ok())
                        .collect();
                    let numbers = NUMBERS.into_iter().zip(numbers);
                    add(&mut figures, &long_name(name), numbers);
                }
            }
            "summary" => add(
                &mut figures,
                &text(item, "sk").replace('#', " "),
                NUMBERS.map(|name| (name, number(item, name))),
            ),
            "minute" | "hour" | "day" => {
                add(&mut figures, kind, NUMBERS.map(|name| (name, number(item, name))))
            }
            _ => {}
        }
    }
    figures
}

/// Returns the name of the figures that a buffer has under a short name.
fn long_name(short: &str) -> String {
    match (short, short.chars().next()) {
        ("*", _) => "orders".to_owned(),
        (_, Some('#')) => format!("sku {}", &short[1..]),
        (_, Some('m')) => "minute".to_owned(),
        (_, Some('h')) => "hour".to_owned(),
        _ => "day".to_owned(),
    }
}

fn add(figures: &mut Figures, name: &str, numbers: impl IntoIterator<Item = (&'static str, i64)>) {
    for (number, value) in numbers.into_iter().filter(|(_, value)| *value != 0) {
        *figures.entry(format!("{name}: {number}")).or_default() += value;
    }
}

/// Counts the orders of which an event was handled in this way, each event of an order once.
fn recount(evidence: &Evidence, is_counted: fn(&Handled) -> bool) -> Figures {
    let handled = evidence.handled.iter().filter(|handled| handled.consumer == "analytics");
    let handled: BTreeSet<&str> =
        handled.filter(|handled| is_counted(handled)).map(|handled| handled.event_id.as_str()).collect();
    let (mut placed, mut ended): (BTreeSet<&str>, BTreeMap<&str, &Value>) = Default::default();
    let counted = evidence.published.iter().map(|published| &published.event);
    for event in counted.filter(|event| handled.contains(text(event, "id"))) {
        let order = subject(event);
        match text(event, "type") {
            "order.placed" => {
                placed.insert(order);
            }
            "order.confirmed" | "order.rejected" | "order.cancelled" | "order.unknown" => {
                ended.insert(order, event);
            }
            _ => {}
        }
    }
    let mut figures = Figures::new();
    let orders: BTreeSet<&str> = placed.iter().chain(ended.keys()).copied().collect();
    add(&mut figures, "orders", [("orders", length(orders.len()))]);
    for series in ["minute", "hour", "day"] {
        add(&mut figures, series, [("orders", length(placed.len()))]);
    }
    ended.values().for_each(|event| count_ending(event, &mut figures));
    figures
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn count_ending(event: &Value, figures: &mut Figures) {
    let data = event.get("data").unwrap_or(&Value::Null);
    match text(event, "type") {
        "order.confirmed" => {
            let sold = [("confirmed", 1), ("revenue", amount(data, "total"))];
            ["orders", "minute", "hour", "day"].into_iter().for_each(|name| add(figures, name, sold));
            for line in array(data, "items") {
                add(figures, &format!("sku {}", text(line, "sku")), [("quantity", number(line, "quantity"))]);
            }
        }
        "order.cancelled" => add(figures, "orders", [("cancelled", 1)]),
        _ => add(figures, "orders", [("rejected", 1)]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names};

    /// An order that was placed and confirmed, and counted: its placement in the counters, its end in the buffer.
    fn story() -> Story {
        let mut story = Story::default();
        let data =
            json!({"total": {"amount": 500, "currency": "USD"}, "items": [{"sku": "TEA", "quantity": 2}]});
        for (id, name) in [("e1", "order.placed"), ("e2", "order.confirmed")] {
            story.publish(json!({"id": id, "type": name, "subject": "o1", "data": data}));
            story.handle("analytics", id, Fate::Acknowledged);
        }
        story.write("analytics", json!({"pk": "summary#0#1", "sk": "orders", "orders": 1}));
        for series in ["minute", "hour", "day"] {
            story.write("analytics", json!({"pk": format!("{series}#0#1"), "sk": "2026", "orders": 1}));
        }
        let sold = "0,0,1,0,0,500";
        let counts = json!({"*": sold, "#TEA": "2", "m7": sold, "h7": sold, "d7": sold});
        story.write("analytics", json!({"pk": "buffer#0#1", "sk": "buffer", "counts": counts}));
        story.write("analytics", json!({"pk": "summary#1#1", "sk": "orders", "orders": 9}));
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn figures_in_counters_and_buffers_of_the_current_generation_are_in_order() {
        assert_eq!(check(&story().evidence), []);
    }

    #[test]
    fn an_order_that_is_counted_twice_is_found() {
        let mut story = story();
        story.write("analytics", json!({"pk": "summary#0#2", "sk": "orders", "orders": 1}));
        assert_eq!(found(story), [RECOUNT]);
    }

    #[test]
    fn an_event_that_is_acknowledged_and_not_counted_is_found() {
        let mut story = story();
        story.publish(json!({"id": "e3", "type": "order.cancelled", "subject": "o2"}));
        story.handle("analytics", "e3", Fate::Acknowledged);
        assert_eq!(found(story), [RECOUNT, RECOUNT], "all orders and cancelled ones");
    }

    #[test]
    fn an_event_that_is_purged_after_a_crash_may_be_counted_or_not() {
        let mut uncounted = story();
        uncounted.publish(json!({"id": "e3", "type": "order.cancelled", "subject": "o2"}));
        uncounted.handle("analytics", "e3", Fate::Crashed);
        uncounted.attempt("analytics", "e3", Fate::Purged, 0);
        assert_eq!(found(uncounted), Vec::<&str>::new());
        let mut counted = story();
        counted.publish(json!({"id": "e3", "type": "order.cancelled", "subject": "o2"}));
        counted.handle("analytics", "e3", Fate::Crashed);
        counted.write("analytics", json!({"pk": "summary#0#2", "sk": "orders", "orders": 1, "cancelled": 1}));
        assert_eq!(found(counted), Vec::<&str>::new());
    }

    #[test]
    fn units_that_are_not_counted_are_found() {
        let mut story = story();
        story.write("analytics", json!({"pk": "summary#0#2", "sk": "sku#TEA", "quantity": -1}));
        assert_eq!(found(story), [RECOUNT]);
    }

    #[test]
    fn an_event_that_is_delivered_twice_counts_once() {
        let mut story = story();
        story.handle("analytics", "e1", Fate::Acknowledged);
        assert_eq!(found(story), Vec::<&str>::new());
    }
}
