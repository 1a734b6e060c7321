//! The timeline of an order: a legal path from `order.placed` to its end, which is only ever continued.

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence};
use super::item::{array, is_order, text};

const LEGAL: &str = "timeline-is-a-legal-path";
const APPENDED: &str = "timeline-is-only-appended-to";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let appended = evidence.changes.iter().filter(|change| change.table == "orders").filter_map(appended);
    let orders = evidence.table("orders").iter().filter(|item| is_order(item));
    let legal = orders.filter_map(|order| {
        let problem = illegal(order)?;
        let path: Vec<&str> = array(order, "timeline").iter().map(|entry| text(entry, "e")).collect();
        Some(Violation::of_order(LEGAL, text(order, "id"), format!("{problem}: {}", path.join(", "))))
    });
    appended.chain(legal).collect()
}

fn appended(change: &Change) -> Option<Violation> {
    let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
    let is_continued = array(new, "timeline").starts_with(array(old, "timeline"));
    let text = "an entry of its timeline was changed or removed";
    (!is_continued).then(|| Violation::of_order(APPENDED, super::item::text(new, "id"), text))
}

/// Returns what is illegal about the timeline of an order.
fn illegal(order: &Value) -> Option<String> {
    let mut status = "none";
    let mut seen: Vec<&str> = Vec::new();
    for entry in array(order, "timeline") {
        let event = text(entry, "e");
        let last = seen.last().copied().unwrap_or("");
        let is_legal = match (status, event) {
            ("none", "order.placed") => true,
            ("pending", "inventory.reserved") | ("pending" | "reserved", "payment.completed") => true,
            ("pending" | "reserved", "inventory.rejected" | "payment.failed") => true,
            ("pending" | "reserved", "order.confirmed") => last == "payment.completed",
            ("pending" | "reserved", "order.rejected") => {
                matches!(last, "inventory.rejected" | "payment.failed")
            }
            ("pending" | "reserved", "order.cancelled") => {
                matches!(last, "order.placed" | "inventory.reserved")
            }
            // These are answered by a resend, each time.
            ("rejected" | "cancelled", "inventory.reserved" | "payment.completed") => true,
            ("rejected" | "cancelled", "inventory.rejected" | "inventory.released") => {
                !seen.iter().any(|seen| matches!(*seen, "inventory.rejected" | "inventory.released"))
            }
            ("rejected" | "cancelled", "payment.failed" | "payment.voided" | "payment.refunded") => !seen
                .iter()
                .any(|seen| matches!(*seen, "payment.failed" | "payment.voided" | "payment.refunded")),
            _ => false,
        };
        if !is_legal {
            return Some(format!("{event} does not follow in status {status}"));
        }
        seen.push(event);
        status = match event {
            "order.placed" => "pending",
            "inventory.reserved" if status == "pending" => "reserved",
            "order.confirmed" => "confirmed",
            "order.rejected" => "rejected",
            "order.cancelled" => "cancelled",
            _ => status,
        };
    }
    (status != text(order, "status"))
        .then(|| format!("it leads to {status}, and the order is {}", text(order, "status")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names};

    fn order(status: &str, events: &[&str]) -> Value {
        let timeline: Vec<Value> = events.iter().map(|event| json!({"e": event, "t": 1})).collect();
        json!({"id": "o1", "status": status, "timeline": timeline})
    }

    fn found(status: &str, events: &[&str]) -> Vec<&'static str> {
        let mut story = Story::default();
        story.write("orders", order(status, events));
        names(check(&story.evidence))
    }

    #[test]
    fn legal_paths_are_in_order() {
        let legal: [(&str, &[&str]); 5] = [
            ("confirmed", &["order.placed", "inventory.reserved", "payment.completed", "order.confirmed"]),
            ("confirmed", &["order.placed", "payment.completed", "order.confirmed"]),
            ("rejected", &["order.placed", "inventory.rejected", "order.rejected", "payment.voided"]),
            (
                "cancelled",
                &[
                    "order.placed",
                    "order.cancelled",
                    "payment.completed",
                    "inventory.released",
                    "payment.refunded",
                ],
            ),
            (
                "rejected",
                &[
                    "order.placed",
                    "inventory.reserved",
                    "payment.failed",
                    "order.rejected",
                    "inventory.released",
                ],
            ),
        ];
        for (status, events) in legal {
            assert_eq!(found(status, events), Vec::<&str>::new(), "{events:?}");
        }
    }

    #[test]
    fn illegal_paths_are_found() {
        let illegal: [(&str, &[&str]); 6] = [
            ("confirmed", &["order.placed", "order.confirmed"]),
            ("confirmed", &["order.placed", "payment.completed", "order.confirmed", "order.cancelled"]),
            ("pending", &["order.placed", "order.placed"]),
            ("rejected", &["order.placed", "order.rejected"]),
            ("cancelled", &["order.placed", "order.cancelled", "inventory.released", "inventory.released"]),
            ("confirmed", &["order.placed", "inventory.reserved"]),
        ];
        for (status, events) in illegal {
            assert_eq!(found(status, events), [LEGAL], "{events:?}");
        }
    }

    #[test]
    fn an_entry_that_disappears_is_found() {
        let mut story = Story::default();
        story.write("orders", order("reserved", &["order.placed", "inventory.reserved"]));
        story.write("orders", order("cancelled", &["order.placed", "order.cancelled"]));
        assert_eq!(names(check(&story.evidence)), [APPENDED]);
    }
}
