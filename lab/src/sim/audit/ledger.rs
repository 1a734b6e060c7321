//! Money: what the payment provider captured and gave back, order by order.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::evidence::{Evidence, Fate, Movement, MovementKind};
use super::item::{amount, is_order, subject, text};

const ONE_CHARGE: &str = "at-most-one-charge";
const NEVER_OVER: &str = "refund-never-exceeds-charge";
const VOIDED: &str = "voided-stays-voided";
const POSITIVE: &str = "charge-is-positive";
const BALANCE: &str = "money-matches-orders";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut books: BTreeMap<&str, Vec<&Movement>> = BTreeMap::new();
    for movement in &evidence.movements {
        books.entry(&movement.order).or_default().push(movement);
    }
    let mut found: Vec<Violation> = books.iter().flat_map(|(order, moved)| of_order(order, moved)).collect();
    let mut due: BTreeMap<&str, i64> = BTreeMap::new();
    for order in evidence.table("orders").iter().filter(|item| is_order(item)) {
        let is_paid = text(order, "status") == "confirmed";
        due.insert(text(order, "id"), if is_paid { amount(order, "total") } else { 0 });
    }
    let orders: BTreeSet<&str> = due.keys().chain(books.keys()).copied().collect();
    for order in orders {
        // What a forged event caused is undone only if `order-tracker` learns of it: there is no order that would be resent.
        if !due.contains_key(order) && is_unreported(evidence, order) {
            continue;
        }
        let kept: i64 = books.get(order).map_or(0, |moved| moved.iter().copied().map(kept).sum());
        let due = due.get(order).copied().unwrap_or(0);
        if kept != due {
            let text = format!("{kept} is captured and not refunded, and the order is worth {due}");
            found.push(Violation::of_order(BALANCE, order, text));
        }
    }
    found
}

/// Returns whether an event about an order was purged, or its record of the stream expired.
fn is_unreported(evidence: &Evidence, order: &str) -> bool {
    let events = evidence.published.iter().map(|published| &published.event);
    let ids: BTreeSet<&str> =
        events.filter(|event| subject(event) == order).map(|event| text(event, "id")).collect();
    let is_purged = |id: &str| {
        evidence.handled.iter().any(|handled| handled.fate == Fate::Purged && handled.event_id == id)
    };
    let mut expired = evidence.expired.iter().map(|expired| &expired.image);
    ids.into_iter().any(is_purged)
        || expired.any(|image| text(image, "pk") == order || text(image, "order_id") == order)
}

/// Returns what a movement adds to what the shop keeps.
fn kept(movement: &Movement) -> i64 {
    match movement.kind {
        MovementKind::Charge => movement.amount,
        MovementKind::Refund => -movement.amount,
        MovementKind::Decline | MovementKind::Void => 0,
    }
}

fn of_order(order: &str, moved: &[&Movement]) -> Vec<Violation> {
    let mut found = Vec::new();
    let (mut charges, mut balance, mut voided) = (0, 0, false);
    for movement in moved {
        let is_charge = movement.kind == MovementKind::Charge;
        charges += u32::from(is_charge);
        balance += kept(movement);
        if matches!(movement.kind, MovementKind::Charge | MovementKind::Decline) && movement.amount <= 0 {
            let text = format!("the provider was asked to charge {}", movement.amount);
            found.push(Violation::of_order(POSITIVE, order, text));
        }
        if is_charge && charges == 2 {
            found.push(Violation::of_order(ONE_CHARGE, order, "the provider charged it a second time"));
        }
        if is_charge && voided {
            found.push(Violation::of_order(VOIDED, order, "the provider charged it after it was voided"));
        }
        if balance < 0 {
            found.push(Violation::of_order(
                NEVER_OVER,
                order,
                format!("{} more was refunded than charged", -balance),
            ));
        }
        voided |= movement.kind == MovementKind::Void;
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::evidence::{Expired, Moment};
    use crate::sim::audit::testing::{Story, names};
    use MovementKind::{Charge, Decline, Refund, Void};

    fn found(status: &str, moved: &[(MovementKind, i64)]) -> Vec<&'static str> {
        let mut story = Story::default();
        story.write(
            "orders",
            json!({"id": "o1", "status": status, "total": {"amount": 500, "currency": "USD"}}),
        );
        for (kind, amount) in moved {
            story.moved("o1", *kind, *amount);
        }
        names(check(&story.evidence))
    }

    #[test]
    fn orders_that_are_paid_once_or_undone_are_in_order() {
        let none: [&str; 0] = [];
        assert_eq!(found("confirmed", &[(Charge, 500)]), none);
        assert_eq!(found("cancelled", &[(Charge, 500), (Refund, 500)]), none);
        assert_eq!(found("cancelled", &[(Void, 0)]), none);
        assert_eq!(found("rejected", &[(Decline, 500)]), none);
    }

    #[test]
    fn a_second_charge_is_found_also_if_it_is_refunded() {
        assert_eq!(found("confirmed", &[(Charge, 500), (Charge, 500), (Refund, 500)]), [ONE_CHARGE]);
    }

    #[test]
    fn a_charge_of_a_refused_order_is_found() {
        assert_eq!(found("cancelled", &[(Charge, 500)]), [BALANCE]);
    }

    #[test]
    fn a_confirmed_order_without_its_charge_is_found() {
        assert_eq!(found("confirmed", &[]), [BALANCE]);
    }

    #[test]
    fn a_charge_of_an_order_that_does_not_exist_is_found() {
        let mut story = Story::default();
        story.moved("o2", Charge, 1);
        assert_eq!(names(check(&story.evidence)), [BALANCE]);
        story.publish(json!({"id": "e1", "type": "payment.completed", "subject": "o2"}));
        story.handle("order-tracker", "e1", Fate::Purged);
        assert_eq!(names(check(&story.evidence)), [""; 0], "no consumer can know of it");
        let mut expired = Story::default();
        expired.moved("o2", Charge, 1);
        let image = json!({"pk": "o2", "outbox": "payment.completed"});
        expired.evidence.expired.push(Expired { at: Moment::default(), table: "payments".to_owned(), image });
        assert_eq!(names(check(&expired.evidence)), [""; 0], "no relay read it");
    }

    #[test]
    fn a_charge_of_nothing_is_found() {
        assert_eq!(found("cancelled", &[(Charge, 0)]), [POSITIVE]);
        assert_eq!(found("cancelled", &[(Decline, 0)]), [POSITIVE]);
    }

    #[test]
    fn a_charge_after_a_void_is_found() {
        assert_eq!(found("confirmed", &[(Void, 0), (Charge, 500)]), [VOIDED]);
    }

    #[test]
    fn a_refund_of_more_than_was_charged_is_found() {
        assert_eq!(found("cancelled", &[(Refund, 500), (Charge, 500)]), [NEVER_OVER]);
    }
}
