//! Notifications: one record for each outcome and channel, of an outcome that the order has, and of a message that was handed over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Fate};
use super::item::{is_order, subject, text};

const ONE_RECORD: &str = "one-notification-record";
const OUTCOME: &str = "notification-matches-outcome";
const ONCE: &str = "notification-is-sent-once";
const SENT: &str = "recorded-notification-was-sent";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let records: BTreeMap<(&str, &str), &Value> = evidence
        .table("notifications")
        .iter()
        .map(|record| ((text(record, "order_id"), text(record, "id")), record))
        .collect();
    let mut found = unrecorded(evidence, &records);
    found.extend(repeated(evidence, &records));
    let orders: BTreeMap<&str, &Value> = evidence
        .table("orders")
        .iter()
        .filter(|item| is_order(item))
        .map(|order| (text(order, "id"), order))
        .collect();
    let accepted = evidence.mails.iter().filter(|mail| !mail.refused);
    let taken: BTreeSet<&str> = accepted.map(|mail| mail.message_id.as_str()).collect();
    for ((owner, id), record) in &records {
        found.extend(orders.get(owner).and_then(|order| contradiction(id, order)));
        // The mark of a forgotten customer is no message.
        if *id != "forgotten" {
            found.extend(unsent(owner, record, &taken));
        }
    }
    found
}

/// Returns the notifications that an event requires, as the range keys of their records.
fn required(event: &Value) -> Vec<String> {
    let data = event.get("data").unwrap_or(&Value::Null);
    let template = match (text(event, "type"), text(data, "reason")) {
        ("notification.requested", _) => return vec!["request".to_owned()],
        ("order.confirmed", _) => "order_confirmation",
        ("order.rejected", "payment_declined") => "order_payment_declined",
        ("order.rejected", _) => "order_out_of_stock",
        ("order.cancelled", _) => "order_cancelled",
        // A refund without an address is one of an order that does not exist.
        ("payment.refunded", _) if data.get("email").is_some() => "order_refunded",
        _ => return Vec::new(),
    };
    let channels = [("email", "email"), ("phone", "sms")].into_iter();
    let reached = channels.filter(|(address, _)| !is_forgotten(text(data, address)));
    reached.map(|(_, channel)| format!("{template}#{channel}")).collect()
}

/// Returns whether an address is missing, or is the one that takes the place of a blanked one.
fn is_forgotten(address: &str) -> bool {
    matches!(address, "" | "forgotten@customer.invalid" | "+9990000000")
}

/// Checks that each event that `notification` acknowledged has its records.
fn unrecorded(evidence: &Evidence, records: &BTreeMap<(&str, &str), &Value>) -> Vec<Violation> {
    let acknowledged: BTreeSet<&str> = evidence
        .handled
        .iter()
        .filter(|handled| handled.consumer == "notification" && handled.fate == Fate::Acknowledged)
        .map(|handled| handled.event_id.as_str())
        .collect();
    let events: BTreeMap<&str, &Value> =
        evidence.published.iter().map(|published| (text(&published.event, "id"), &published.event)).collect();
    let mut found = Vec::new();
    for event in acknowledged.iter().filter_map(|id| events.get(id)) {
        let owner = subject(event);
        // The mark of a forgotten customer: messages that are delivered afterwards are dropped.
        if records.contains_key(&(owner, "forgotten")) {
            continue;
        }
        for id in required(event) {
            let record = records.get(&(owner, id.as_str()));
            // A requested notification has no order to mark: it is blanked itself.
            if record.is_some_and(|record| is_forgotten(text(record, "recipient"))) {
                continue;
            }
            let status = record.map(|record| text(record, "status"));
            if status != Some("sent") {
                let text = format!(
                    "{} was acknowledged, and its notification {id} is {}",
                    text(event, "type"),
                    status.unwrap_or("missing")
                );
                found.push(Violation::of_order(ONE_RECORD, owner, text));
            }
        }
    }
    found
}

/// Checks that an outcome that a customer was notified of is that of the order.
fn contradiction(id: &str, order: &Value) -> Option<Violation> {
    let template = id.split('#').next().unwrap_or(id);
    let (status, reason) = (text(order, "status"), text(order, "reason"));
    let is_right = match template {
        "order_confirmation" => status == "confirmed",
        "order_payment_declined" => status == "rejected" && reason == "payment_declined",
        "order_out_of_stock" => status == "rejected" && reason != "payment_declined",
        "order_cancelled" => status == "cancelled",
        "order_refunded" => matches!(status, "rejected" | "cancelled"),
        _ => true,
    };
    let text = || format!("the customer was notified with {template}, and the order is {status} {reason}");
    (!is_right).then(|| Violation::of_order(OUTCOME, super::item::text(order, "id"), text()))
}

/// Checks that a message that is recorded as sent was handed over.
fn unsent(owner: &str, record: &Value, taken: &BTreeSet<&str>) -> Option<Violation> {
    let message = text(record, "message_id");
    let is_missing = text(record, "status") == "sent" && !taken.iter().any(|taken| taken.contains(message));
    let text = || format!("{} is recorded as sent, and no provider took it", super::item::text(record, "id"));
    is_missing.then(|| Violation::of_order(SENT, owner, text()))
}

/// Checks that no message goes out more than once without a reason: a crash, or an attempt that failed because an answer was lost.
fn repeated(evidence: &Evidence, records: &BTreeMap<(&str, &str), &Value>) -> Vec<Violation> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in evidence.mails.iter().filter(|mail| !mail.refused) {
        *taken.entry(&mail.message_id).or_default() += 1;
    }
    let mut found = Vec::new();
    for ((owner, id), record) in records {
        let times = taken.get(text(record, "message_id")).copied().unwrap_or(0);
        if times <= 1 {
            continue;
        }
        let events = evidence.published.iter().map(|published| &published.event);
        let events = events.filter(|event| {
            subject(event) == *owner && required(event).iter().any(|required| required == id)
        });
        let events: BTreeSet<&str> = events.map(|event| text(event, "id")).collect();
        let of_event = evidence.handled.iter().filter(|handled| {
            handled.consumer == "notification" && events.contains(handled.event_id.as_str())
        });
        let failed = of_event.filter(|handled| matches!(handled.fate, Fate::Retried | Fate::Crashed)).count();
        if times > 1 + failed {
            let text = format!("{id} went out {times} times, and {failed} attempts at it failed");
            found.push(Violation::of_order(ONCE, owner, text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::evidence::Mail;
    use crate::sim::audit::testing::{Story, names};

    fn story(status: &str, template: Option<&str>) -> Story {
        let mut story = Story::default();
        story.write("orders", json!({"id": "o1", "status": status}));
        if let Some(template) = template {
            let record = json!({"order_id": "o1", "id": format!("{template}#email"), "message_id": "m1", "status": "sent"});
            story.write("notifications", record);
        }
        story.publish(json!({"id": "e1", "type": "order.confirmed", "subject": "o1", "data": {"email": "a@example.com"}}));
        story.handle("notification", "e1", Fate::Acknowledged);
        story.evidence.mails.push(Mail { message_id: "<m1@orderflow>".to_owned(), ..Mail::default() });
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn a_confirmation_that_was_sent_and_recorded_is_in_order() {
        assert_eq!(found(story("confirmed", Some("order_confirmation"))), Vec::<&str>::new());
    }

    #[test]
    fn an_acknowledged_event_without_its_record_is_found() {
        assert_eq!(found(story("confirmed", None)), [ONE_RECORD]);
    }

    #[test]
    fn a_channel_without_its_record_is_found() {
        let mut story = story("confirmed", Some("order_confirmation"));
        story.evidence.published[0].event["data"]["phone"] = json!("+15550100");
        assert_eq!(found(story), [ONE_RECORD]);
    }

    #[test]
    fn an_event_of_a_forgotten_customer_needs_no_record() {
        let mut story = story("confirmed", None);
        story.write("notifications", json!({"order_id": "o1", "id": "forgotten"}));
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn a_requested_notification_of_a_forgotten_customer_is_not_sent() {
        let mut story = story("confirmed", Some("order_confirmation"));
        story.publish(json!({"id": "e2", "type": "notification.requested", "subject": "n1"}));
        let record = json!({"order_id": "n1", "id": "request", "recipient": "forgotten@customer.invalid", "status": "requested"});
        story.write("notifications", record);
        story.handle("notification", "e2", Fate::Acknowledged);
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn a_message_that_goes_out_twice_without_a_reason_is_found() {
        let twice = || {
            let mut story = story("confirmed", Some("order_confirmation"));
            story.evidence.mails[0].message_id = "m1".to_owned();
            let mail = story.evidence.mails[0].clone();
            story.evidence.mails.push(mail);
            story
        };
        assert_eq!(found(twice()), [ONCE]);
        let mut crashed = twice();
        crashed.handle("notification", "e1", Fate::Crashed);
        assert_eq!(found(crashed), Vec::<&str>::new());
    }

    #[test]
    fn a_notification_of_another_outcome_is_found() {
        assert_eq!(found(story("cancelled", Some("order_confirmation"))), [OUTCOME]);
    }

    #[test]
    fn a_record_of_a_message_that_no_provider_took_is_found() {
        let mut story = story("confirmed", Some("order_confirmation"));
        story.evidence.mails.clear();
        assert_eq!(found(story), [SENT]);
    }
}
