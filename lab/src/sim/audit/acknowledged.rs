//! What a consumer acknowledges it has recorded: the tables show its work at the moment when the message is deleted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Fate, Handled, Moment, Movement, MovementKind};
use super::history::{Happened, Tables, replay};
use super::item::{is_final, subject, text};

const RECORDED: &str = "acknowledged-is-recorded";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let events: BTreeMap<&str, &Value> =
        evidence.published.iter().map(|published| (text(&published.event, "id"), &published.event)).collect();
    let mut found = Vec::new();
    replay(evidence, |happened, tables| {
        let Happened::Handled(Handled { consumer, event_id, at, fate: Fate::Acknowledged, .. }) = happened
        else {
            return;
        };
        let Some(event) = events.get(event_id.as_str()) else { return };
        if is_reversed(evidence, consumer, event, at) {
            return;
        }
        if let Some(missing) = missing(consumer, event, tables) {
            let name = text(event, "type");
            let text = format!("{consumer} acknowledged {name} ({event_id}), and {missing}");
            found.push(Violation::of_order(RECORDED, subject(event), text));
        }
    });
    found
}

/// Returns whether the provider had reversed an order when `payment` acknowledged the request to charge it. The message that had it reversed is not
/// acknowledged before that is recorded, so the request to charge has nothing to record.
fn is_reversed(evidence: &Evidence, consumer: &str, event: &Value, acknowledged: &Moment) -> bool {
    let is_reversal = |movement: &Movement| {
        matches!(movement.kind, MovementKind::Void | MovementKind::Refund)
            && movement.order == subject(event)
            && movement.at < *acknowledged
    };
    (consumer, text(event, "type")) == ("payment", "inventory.reserved")
        && evidence.movements.iter().any(is_reversal)
}

/// Returns what is not recorded of an event that a consumer acknowledges.
fn missing(consumer: &str, event: &Value, tables: &Tables<'_>) -> Option<String> {
    let (name, subject) = (text(event, "type"), subject(event));
    let row = |table, key: &str| tables.get(table, key).map(|item| text(item, "status"));
    let is_refusal = matches!(name, "order.rejected" | "order.cancelled" | "order.unknown");
    let problem = |table: &str, status: Option<&str>| {
        Some(format!("the order is {} in {table}", status.unwrap_or("missing")))
    };
    match (consumer, name) {
        ("inventory-reserve", "product.created") => {
            let has_stock = tables.get("inventory", &format!("stock#{subject}")).is_some();
            (!has_stock).then(|| "the product has no stock level".to_owned())
        }
        ("inventory-reserve", _) if is_refusal || name == "order.placed" => {
            let status = row("inventory", &format!("order#{subject}"));
            let is_missing = status.is_none() || (is_refusal && status == Some("reserved"));
            is_missing.then(|| problem("inventory", status)).flatten()
        }
        ("payment", _) => {
            let status = row("payments", subject);
            let is_missing =
                matches!(status, None | Some("unknown")) || (is_refusal && status == Some("completed"));
            is_missing.then(|| problem("payments", status)).flatten()
        }
        ("order-tracker", _) => {
            let status = row("orders", subject)?;
            let is_missing = match name {
                "inventory.reserved" => status == "pending",
                "payment.completed" | "payment.failed" | "inventory.rejected" => !is_final(status),
                _ => false,
            };
            is_missing.then(|| problem("orders", Some(status))).flatten()
        }
        ("analytics", _) => uncounted(name, subject, tables),
        _ => None,
    }
}

/// Returns what the logs of analytics lack of an event.
fn uncounted(name: &str, subject: &str, tables: &Tables<'_>) -> Option<String> {
    let letter = match name {
        "order.placed" => "p",
        "order.confirmed" => "c",
        // An order that does not exist counts as rejected, unless it has another ending.
        "order.rejected" | "order.unknown" => "r",
        "order.cancelled" => "x",
        _ => return None,
    };
    let logs = tables.with_prefix("analytics", "log#");
    let counted = logs.filter_map(|log| log.get("orders")).filter_map(|orders| orders.get(subject));
    let is_counted = counted
        .filter_map(Value::as_str)
        .any(|counted| counted.contains(letter) || (letter != "p" && counted.contains(['c', 'r', 'x'])));
    (!is_counted).then(|| "no log has it".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names};

    /// Returns what is found if a consumer acknowledges an event of the order after these writes.
    fn found(consumer: &str, name: &str, writes: &[(&str, Value)]) -> Vec<&'static str> {
        let mut story = Story::default();
        for (table, item) in writes {
            story.write(table, item.clone());
        }
        story.publish(json!({"id": "e1", "type": name, "subject": "o1"}));
        story.handle(consumer, "e1", Fate::Acknowledged);
        names(check(&story.evidence))
    }

    fn reservation(status: &str) -> (&'static str, Value) {
        ("inventory", json!({"pk": "order#o1", "order_id": "o1", "status": status}))
    }

    fn payment(status: &str) -> (&'static str, Value) {
        ("payments", json!({"pk": "o1", "status": status}))
    }

    fn order(status: &str) -> (&'static str, Value) {
        ("orders", json!({"id": "o1", "status": status}))
    }

    fn log(counted: &str) -> (&'static str, Value) {
        ("analytics", json!({"pk": "log#0#2026", "sk": "0", "orders": {"o1": counted}}))
    }

    #[test]
    fn recorded_work_is_in_order() {
        for (consumer, name, write) in [
            ("inventory-reserve", "order.placed", reservation("reserved")),
            ("inventory-reserve", "order.cancelled", reservation("released")),
            ("payment", "inventory.reserved", payment("completed")),
            ("payment", "order.cancelled", payment("refunded")),
            ("order-tracker", "payment.completed", order("confirmed")),
            ("analytics", "order.placed", log("p")),
            ("analytics", "order.cancelled", log("px")),
        ] {
            assert_eq!(found(consumer, name, &[write]), Vec::<&str>::new(), "{consumer} {name}");
        }
        assert_eq!(found("order-tracker", "payment.completed", &[]), Vec::<&str>::new());
    }

    #[test]
    fn work_that_is_not_recorded_is_found() {
        for (consumer, name, write) in [
            ("inventory-reserve", "order.placed", order("pending")),
            ("inventory-reserve", "order.cancelled", reservation("reserved")),
            ("inventory-reserve", "product.created", order("pending")),
            ("payment", "inventory.reserved", payment("unknown")),
            ("payment", "order.cancelled", payment("completed")),
            ("order-tracker", "payment.completed", order("reserved")),
            ("order-tracker", "inventory.reserved", order("pending")),
            ("analytics", "order.placed", log("c")),
            ("analytics", "order.unknown", log("p")),
            ("analytics", "order.confirmed", log("p")),
        ] {
            assert_eq!(found(consumer, name, &[write]), [RECORDED], "{consumer} {name}");
        }
    }

    #[test]
    fn a_charge_of_an_order_that_the_provider_has_voided_needs_no_record() {
        let mut story = Story::default();
        story.publish(json!({"id": "e1", "type": "inventory.reserved", "subject": "o1"}));
        story.moved("o1", MovementKind::Void, 500);
        story.handle("payment", "e1", Fate::Acknowledged);
        assert_eq!(names(check(&story.evidence)), Vec::<&str>::new());
        let mut late = Story::default();
        late.publish(json!({"id": "e1", "type": "inventory.reserved", "subject": "o1"}));
        late.handle("payment", "e1", Fate::Acknowledged);
        late.moved("o1", MovementKind::Void, 500);
        assert_eq!(names(check(&late.evidence)), [RECORDED]);
    }

    #[test]
    fn work_that_is_recorded_after_the_acknowledgement_is_found() {
        let mut story = Story::default();
        story.publish(json!({"id": "e1", "type": "order.placed", "subject": "o1"}));
        story.handle("inventory-reserve", "e1", Fate::Acknowledged);
        let (table, item) = reservation("reserved");
        story.write(table, item);
        assert_eq!(names(check(&story.evidence)), [RECORDED]);
    }
}
