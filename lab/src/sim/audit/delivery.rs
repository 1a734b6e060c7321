//! Events: what a write announces is published, and reaches each subscriber or its dead-letter queue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Fate};
use super::item::{number, subject, text};

const PUBLISHED: &str = "event-is-published";
const REACHED: &str = "event-reaches-subscriber";
const NOT_LOST: &str = "message-is-not-lost";

/// The consumers of each event, as the reference of events lists them.
pub(super) const SUBSCRIBERS: &[(&str, &[&str])] = &[
    ("order.placed", &["inventory-reserve", "analytics"]),
    ("order.confirmed", &["notification", "analytics"]),
    ("order.rejected", &["inventory-reserve", "payment", "notification", "analytics"]),
    ("order.cancelled", &["inventory-reserve", "payment", "notification", "analytics"]),
    ("order.unknown", &["inventory-reserve", "payment", "analytics"]),
    ("inventory.reserved", &["order-tracker", "payment"]),
    ("inventory.rejected", &["order-tracker"]),
    ("inventory.released", &["order-tracker"]),
    ("payment.completed", &["order-tracker"]),
    ("payment.failed", &["order-tracker"]),
    ("payment.voided", &["order-tracker"]),
    ("payment.refunded", &["order-tracker", "notification"]),
    ("product.created", &["inventory-reserve"]),
    ("product.updated", &["inventory-reserve"]),
    ("product.removed", &["inventory-reserve"]),
    ("stock.adjusted", &[]),
    ("notification.requested", &["notification"]),
];

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = unpublished(evidence);
    found.extend(unreached(evidence));
    found.extend(lost(evidence));
    found
}

/// An event as a write announces it: subject, type and number of the resend.
type Announced = (String, String, i64);

/// Returns the events that an item of a table announces in its outbox.
fn announced(table: &str, item: &Value) -> Vec<Announced> {
    let subject = match table {
        // What is recorded of an order that does not exist is beside the orders.
        "orders" => text(item, "id").trim_start_matches("unknown#"),
        "catalog" => text(item, "sku"),
        "payments" => text(item, "pk"),
        "notifications" => text(item, "order_id"),
        _ if item.get("order_id").is_some() => text(item, "order_id"),
        _ => text(item, "sku"),
    };
    let events = text(item, "outbox").split_whitespace().map(|event| match event.split_once('@') {
        Some((name, resend)) => (subject.to_owned(), name.to_owned(), resend.parse().unwrap_or(0)),
        None => (subject.to_owned(), event.to_owned(), 0),
    });
    events.collect()
}

/// Checks that each announced event was published, unless its record of the stream expired.
fn unpublished(evidence: &Evidence) -> Vec<Violation> {
    // Earlier versions call the number of a resend `redrive`.
    let resend = |event: &Value| number(event, "resend").max(number(event, "redrive"));
    let envelope = |event: &Value| (subject(event).to_owned(), text(event, "type").to_owned(), resend(event));
    let published = evidence.published.iter().map(|published| envelope(&published.event));
    let expired = evidence.expired.iter().flat_map(|expired| announced(&expired.table, &expired.image));
    let known: BTreeSet<Announced> = published.chain(expired).collect();
    let written = evidence.changes.iter().filter_map(|change| Some((change, change.new.as_ref()?)));
    let all: BTreeSet<Announced> =
        written.flat_map(|(change, item)| announced(&change.table, item)).collect();
    let missing = all.difference(&known).map(|(subject, name, resend)| {
        let text = format!("{name} (resend {resend}) was written and never published");
        Violation::of_order(PUBLISHED, subject, text)
    });
    missing.collect()
}

/// Checks that each published event ended at each of its subscribers.
fn unreached(evidence: &Evidence) -> Vec<Violation> {
    let ended = evidence.handled.iter().filter(|handled| {
        !matches!(handled.fate, Fate::Retried | Fate::Deferred | Fate::Crashed | Fate::Replayed)
    });
    let ended: BTreeSet<(&str, &str)> =
        ended.map(|handled| (handled.consumer.as_str(), handled.event_id.as_str())).collect();
    let events: BTreeMap<&str, &Value> =
        evidence.published.iter().map(|published| (text(&published.event, "id"), &published.event)).collect();
    let mut found = Vec::new();
    for (id, event) in events {
        let name = text(event, "type");
        let subscribers =
            SUBSCRIBERS.iter().find(|(event, _)| *event == name).map_or(&[][..], |(_, consumers)| consumers);
        for consumer in subscribers.iter().filter(|consumer| !ended.contains(&(**consumer, id))) {
            let text = format!("{name} ({id}) was published, and did not reach {consumer}");
            found.push(Violation { invariant: REACHED, order: Some(subject(event).to_owned()), text });
        }
    }
    found
}

/// Checks that no message disappears while it waits for its next delivery.
fn lost(evidence: &Evidence) -> Vec<Violation> {
    let mut last = BTreeMap::new();
    for handled in &evidence.handled {
        last.insert((&handled.consumer, handled.copy), handled);
    }
    let waiting: BTreeSet<(&str, &str)> =
        evidence.left.iter().map(|(consumer, message)| (consumer.as_str(), text(message, "id"))).collect();
    let waits = last.into_values().filter(|handled| {
        matches!(handled.fate, Fate::Retried | Fate::Deferred | Fate::Crashed | Fate::Replayed)
    });
    let lost =
        waits.filter(|handled| !waiting.contains(&(handled.consumer.as_str(), handled.event_id.as_str())));
    lost.map(|handled| {
        let text = format!(
            "message {} of {} ({}) was {:?} and not delivered again",
            handled.copy, handled.consumer, handled.event_id, handled.fate
        );
        Violation::of(NOT_LOST, text)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::evidence::Expired;
    use crate::sim::audit::testing::{Story, names};

    fn story() -> Story {
        let mut story = Story::default();
        story.write("orders", json!({"id": "o1", "status": "pending", "outbox": "order.placed"}));
        story
    }

    fn placed() -> Value {
        json!({"id": "e1", "type": "order.placed", "subject": "o1"})
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn an_event_that_ends_everywhere_is_in_order() {
        let mut story = story();
        story.publish(placed());
        story.handle("analytics", "e1", Fate::Retried);
        story.handle("analytics", "e1", Fate::DeadLettered);
        story.handle("inventory-reserve", "e1", Fate::Acknowledged);
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn an_event_that_is_never_published_is_found_unless_its_record_expired() {
        assert_eq!(found(story()), [PUBLISHED]);
        let mut expired = story();
        let image = json!({"id": "o1", "outbox": "order.placed"});
        expired.evidence.expired.push(Expired { at: Default::default(), table: "orders".to_owned(), image });
        assert_eq!(found(expired), Vec::<&str>::new());
    }

    #[test]
    fn a_resend_is_an_event_of_its_own() {
        let mut story = story();
        story.publish(placed());
        story.handle("analytics", "e1", Fate::Acknowledged);
        story.handle("inventory-reserve", "e1", Fate::Purged);
        story.write("orders", json!({"id": "o1", "status": "pending", "outbox": "order.placed@1"}));
        assert_eq!(found(story), [PUBLISHED]);
    }

    #[test]
    fn an_event_that_does_not_reach_a_subscriber_is_found() {
        let mut story = story();
        story.publish(placed());
        story.handle("inventory-reserve", "e1", Fate::Acknowledged);
        assert_eq!(found(story), [REACHED]);
    }

    #[test]
    fn a_message_that_disappears_before_its_retry_is_found() {
        let mut story = story();
        story.publish(placed());
        story.handle("inventory-reserve", "e1", Fate::Acknowledged);
        story.handle("analytics", "e1", Fate::Retried);
        assert_eq!(found(story), [REACHED, NOT_LOST]);
    }

    #[test]
    fn the_subscribers_are_those_of_the_reference() {
        let page = include_str!("../../../../docs/reference/events.md");
        for (event, consumers) in SUBSCRIBERS {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{event}` |"))).unwrap();
            let column = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
            let listed: Vec<&str> = column
                .split(", ")
                .map(|name| name.trim_matches('`'))
                .filter(|name| *name != "none")
                .collect();
            assert_eq!(listed, *consumers, "{event}");
        }
        let rows =
            page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 5).count();
        assert_eq!(rows, SUBSCRIBERS.len());
    }
}
