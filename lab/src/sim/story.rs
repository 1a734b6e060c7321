//! The story of an order, in plain words, from the evidence of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::audit::evidence::{Change, Evidence, Exchange, Fate, Mail, Moment, MovementKind};

/// Returns what happened to an order, one sentence a line, in the order in which it happened.
pub(super) fn story(order: &str, evidence: &Evidence) -> String {
    let mut lines: Vec<(Moment, String)> = Vec::new();
    lines.extend(evidence.exchanges.iter().filter(|exchange| concerns(order, exchange)).map(asked));
    let written = evidence.changes.iter().filter_map(|change| Some((change.at, written(order, change)?)));
    lines.extend(written);
    for movement in evidence.movements.iter().filter(|movement| movement.order == order) {
        let what = match movement.kind {
            MovementKind::Charge => "charges",
            MovementKind::Decline => "declines",
            MovementKind::Refund => "refunds",
            MovementKind::Void => "voids",
        };
        lines.push((movement.at, format!("The payment provider {what} {}.", movement.amount)));
    }
    lines.extend(events(order, evidence));
    lines.extend(evidence.mails.iter().filter(|mail| mail.text.contains(order)).map(mailed));
    lines.sort_by_key(|(at, _)| *at);
    let lines = lines.iter().map(|(at, text)| format!("{:>10} ms  {text}\n", at.at_ms));
    lines.collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

fn concerns(order: &str, exchange: &Exchange) -> bool {
    text(&exchange.response, "id") == order || exchange.path.contains(order)
}

fn asked(exchange: &Exchange) -> (Moment, String) {
    let Exchange { method, path, idempotency_key, body, status, .. } = exchange;
    let key = idempotency_key.as_ref().map_or_else(String::new, |key| format!(" under the key {key}"));
    let body = if body.is_null() { String::new() } else { format!(" with {body}") };
    let answer =
        status.map_or_else(|| "and gets no answer".to_owned(), |status| format!("and gets {status}"));
    (
        exchange.sent,
        format!("A client sends {method} {path}{key}{body}, {answer} at {} ms.", exchange.answered.at_ms),
    )
}

/// Describes a write that concerns an order. Returns `None` for others.
fn written(order: &str, change: &Change) -> Option<String> {
    let item = change.new.as_ref().or(change.old.as_ref())?;
    let owner = match change.table.as_str() {
        "orders" => text(item, "id"),
        "inventory" | "notifications" => text(item, "order_id"),
        "payments" => text(item, "pk"),
        _ => "",
    };
    // A further line of an order has no status.
    if owner != order || item.get("status").is_none() {
        return None;
    }
    let status = |item: &Option<Value>| item.as_ref().map_or("none", |item| text(item, "status")).to_owned();
    let (from, to) = (status(&change.old), status(&change.new));
    let of = if change.table == "notifications" { format!(" {}", text(item, "id")) } else { String::new() };
    let outbox = change.new.as_ref().map_or("", |item| text(item, "outbox"));
    let emits = if outbox.is_empty() { String::new() } else { format!(", with {outbox} in its outbox") };
    Some(format!("The table {} has it{of} as {to} (before: {from}){emits}.", change.table))
}

/// Describes what happened to the events of an order.
fn events(order: &str, evidence: &Evidence) -> Vec<(Moment, String)> {
    let of_order =
        evidence.published.iter().filter(|published| super::audit::subject(&published.event) == order);
    let mut lines = Vec::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for published in of_order {
        let name = text(&published.event, "type");
        let resend =
            published.event.get("resend").map_or_else(String::new, |number| format!(" (resend {number})"));
        names.insert(text(&published.event, "id"), name);
        lines.push((published.at, format!("The relay publishes {name}{resend}.")));
    }
    for handled in &evidence.handled {
        let Some(name) = names.get(handled.event_id.as_str()) else { continue };
        let consumer = &handled.consumer;
        let text = match handled.fate {
            Fate::Acknowledged => format!("{consumer} acknowledges {name}."),
            Fate::Retried => format!("{consumer} fails at {name}, which will be retried."),
            Fate::Deferred => format!("{consumer} defers {name}."),
            Fate::Crashed => format!("{consumer} crashes while it handles {name}."),
            Fate::DeadLettered => format!("{name} becomes a dead letter of {consumer}."),
            Fate::Replayed => format!("An operator replays {name} to {consumer}."),
            Fate::Purged => format!("{name} is deleted from a queue of {consumer}."),
        };
        lines.push((handled.at, text));
    }
    lines
}

fn mailed(mail: &Mail) -> (Moment, String) {
    let subject = mail.text.lines().next().unwrap_or_default();
    let refused = if mail.refused { " and is refused" } else { "" };
    (mail.at, format!("A message by {} goes out{refused}: {subject:?}.", mail.channel))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::audit::evidence::{Handled, Movement, Published};
    use super::*;

    fn at(step: u64) -> Moment {
        Moment { step, at_ms: step * 10 }
    }

    #[test]
    fn the_story_tells_in_its_order_what_happened_to_the_order_and_nothing_else() {
        let placed = Exchange {
            sent: at(1),
            answered: at(3),
            method: "POST".to_owned(),
            path: "/orders".to_owned(),
            status: Some(202),
            response: json!({"id": "o1"}),
            ..Exchange::default()
        };
        let other = Exchange { response: json!({"id": "o2"}), ..placed.clone() };
        let item = json!({"id": "o1", "status": "pending", "outbox": "order.placed"});
        let event = json!({"id": "e1", "type": "order.placed", "subject": "o1"});
        let handled = Handled {
            at: at(6),
            consumer: "analytics".to_owned(),
            event_id: "e1".to_owned(),
            copy: 1,
            attempt: 1,
            fate: Fate::Acknowledged,
            code: None,
        };
        let charge = Movement { at: at(5), order: "o1".to_owned(), kind: MovementKind::Charge, amount: 500 };
        let evidence = Evidence {
            exchanges: vec![placed, other],
            changes: vec![Change { at: at(2), table: "orders".to_owned(), old: None, new: Some(item) }],
            movements: vec![charge],
            published: vec![Published { at: at(4), event }],
            handled: vec![handled],
            ..Evidence::default()
        };
        let story = story("o1", &evidence);
        let sentences: Vec<&str> = story.lines().map(|line| line.split_once("ms  ").unwrap().1).collect();
        assert_eq!(
            sentences,
            [
                "A client sends POST /orders, and gets 202 at 30 ms.",
                "The table orders has it as pending (before: none), with order.placed in its outbox.",
                "The relay publishes order.placed.",
                "The payment provider charges 500.",
                "analytics acknowledges order.placed.",
            ]
        );
    }
}
