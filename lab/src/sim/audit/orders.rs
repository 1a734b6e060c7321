//! Orders: each ends once, in one terminal status, settled, with one reservation and one payment that agree with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence};
use super::item::{array, is_final, is_order, is_true, number, text, units};

const MOVES: &str = "status-moves-legally";
const SETTLED: &str = "order-settled";
const RESERVED_ONCE: &str = "at-most-one-reservation";
const RESERVATION: &str = "reservation-matches-order";
const PAYMENT: &str = "payment-matches-order";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found: Vec<Violation> = evidence.changes.iter().flat_map(moved).collect();
    found.extend(reserved_twice(evidence));
    let by = |table, name| -> BTreeMap<&str, &Value> {
        evidence.table(table).iter().map(|item| (text(item, name), item)).collect()
    };
    let (reservations, payments) = (by("inventory", "order_id"), by("payments", "pk"));
    for order in evidence.table("orders").iter().filter(|item| is_order(item)) {
        let id = text(order, "id");
        found.extend(settled(id, order));
        found.extend(reserved(id, order, reservations.get(id).copied()));
        found.extend(paid(id, order, payments.get(id).copied()));
    }
    found
}

/// Checks that a status moves only along its state machine.
fn moved(change: &Change) -> Option<Violation> {
    let (old, item) = (change.old.as_ref(), change.new.as_ref().or(change.old.as_ref())?);
    let (key, from, to) = match change.table.as_str() {
        "orders" if is_order(item) => ("id", old, change.new.as_ref()),
        "inventory" if item.get("order_id").is_some() => ("order_id", old, change.new.as_ref()),
        "payments" if !text(item, "pk").contains('#') => ("pk", old, change.new.as_ref()),
        _ => return None,
    };
    let id = text(item, key);
    let status = |item: Option<&Value>| item.map_or("none", |item| text(item, "status")).to_owned();
    let (from, to) = (status(from), status(to));
    // A total of 0 is completed without a charge, and then there is none to refund.
    let is_free = change.table == "payments" && number(item, "amount") == 0 && to == "voided";
    if !is_free && !is_legal(&change.table, &from, &to) {
        let text = format!("its status in {} went from {from} to {to}", change.table);
        return Some(Violation::of_order(MOVES, id, text));
    }
    let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
    let skipped = number(new, "version") != number(old, "version") + 1;
    let changed = change.table == "orders" && is_final(&from) && text(old, "reason") != text(new, "reason");
    let text = || {
        format!(
            "{from} was written over version {} as version {}",
            number(old, "version"),
            number(new, "version")
        )
    };
    if changed {
        return Some(Violation::of_order(MOVES, id, "the reason of its final status changed"));
    }
    skipped.then(|| Violation::of_order(MOVES, id, text()))
}

fn is_legal(table: &str, from: &str, to: &str) -> bool {
    match (table, from, to) {
        (_, _, "none") => false,
        (_, from, to) if from == to => true,
        ("orders", "none", to) => to == "pending",
        ("orders", "pending", _) => true,
        ("orders", "reserved", to) => is_final(to),
        ("orders", ..)
        | ("inventory", "rejected" | "released", "reserved")
        | ("inventory", "reserved", "rejected") => false,
        ("payments", "voided" | "refunded" | "failed", "completed") => false,
        ("payments", "completed", to) => matches!(to, "refunded" | "refund_failed" | "unknown"),
        _ => true,
    }
}

fn reserved_twice(evidence: &Evidence) -> Vec<Violation> {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for change in evidence.changes.iter().filter(|change| change.table == "inventory") {
        let holds =
            |item: &Option<Value>| item.as_ref().is_some_and(|item| text(item, "status") == "reserved");
        if let Some(new) = change.new.as_ref().filter(|_| holds(&change.new) && !holds(&change.old)) {
            *times.entry(text(new, "order_id")).or_default() += 1;
        }
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    twice
        .map(|(order, times)| {
            Violation::of_order(RESERVED_ONCE, order, format!("it was reserved {times} times"))
        })
        .collect()
}

fn settled(id: &str, order: &Value) -> Option<Violation> {
    let status = text(order, "status");
    let answered = is_true(order, "inventory_answered") && is_true(order, "payment_answered");
    let text = if !is_final(status) {
        format!("it is {status} at the end")
    } else if status != "confirmed" && !answered {
        format!("it is {status}, and is not undone everywhere at the end: {order}")
    } else if order.get("open_partition").is_some() {
        format!("it is {status} and settled, and is in the index of open orders")
    } else if order.get("payment_token").is_some() {
        format!("it is {status}, and its payment token is still stored")
    } else {
        return None;
    };
    Some(Violation::of_order(SETTLED, id, text))
}

fn reserved(id: &str, order: &Value, reservation: Option<&Value>) -> Option<Violation> {
    let status = reservation.map_or("none", |reservation| text(reservation, "status"));
    let is_confirmed = text(order, "status") == "confirmed";
    if is_confirmed != (status == "reserved") || status == "none" {
        let text = format!("it is {}, and its reservation is {status}", text(order, "status"));
        return Some(Violation::of_order(RESERVATION, id, text));
    }
    let (ordered, held) = (units(array(order, "lines")), units(array(reservation?, "lines")));
    let text = || format!("it is for {ordered:?}, and holds {held:?}");
    (is_confirmed && ordered != held).then(|| Violation::of_order(RESERVATION, id, text()))
}

fn paid(id: &str, order: &Value, payment: Option<&Value>) -> Option<Violation> {
    let status = payment.map_or("none", |payment| text(payment, "status"));
    let is_right = match text(order, "status") {
        "confirmed" => status == "completed",
        _ => matches!(status, "voided" | "refunded" | "failed"),
    };
    let text = || format!("it is {}, and its payment is {status}", text(order, "status"));
    (!is_right).then(|| Violation::of_order(PAYMENT, id, text()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names};

    fn order(status: &str, version: i64) -> Value {
        json!({"id": "o1", "status": status, "version": version, "inventory_answered": true, "payment_answered": true,
            "lines": [{"sku": "TEA", "quantity": 2}]})
    }

    fn reservation(status: &str, version: i64) -> Value {
        json!({"pk": "order#o1", "order_id": "o1", "status": status, "version": version, "lines": [{"sku": "TEA", "quantity": 2}]})
    }

    fn payment(status: &str) -> Value {
        json!({"pk": "o1", "status": status, "version": 1})
    }

    fn story(end: &str, held: &str, paid: &str) -> Story {
        let mut story = Story::default();
        story.write("orders", order("pending", 1));
        story.write("inventory", reservation("reserved", 1));
        if held != "reserved" {
            story.write("inventory", reservation(held, 2));
        }
        story.write("payments", payment(paid));
        story.write("orders", order(end, 2));
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn orders_that_end_once_and_agree_everywhere_are_in_order() {
        let none: [&str; 0] = [];
        assert_eq!(found(story("confirmed", "reserved", "completed")), none);
        assert_eq!(found(story("cancelled", "released", "voided")), none);
    }

    #[test]
    fn an_order_that_does_not_end_is_found() {
        assert_eq!(found(story("reserved", "reserved", "completed"))[0], SETTLED);
    }

    #[test]
    fn a_refused_order_that_is_not_undone_is_found() {
        let mut story = story("cancelled", "released", "voided");
        let mut open = order("cancelled", 3);
        open["payment_answered"] = json!(false);
        story.write("orders", open);
        assert_eq!(found(story), [SETTLED]);
    }

    #[test]
    fn a_final_status_that_changes_is_found() {
        let mut story = story("confirmed", "reserved", "completed");
        story.write("orders", order("cancelled", 3));
        assert_eq!(found(story), [MOVES, RESERVATION, PAYMENT]);
    }

    #[test]
    fn a_write_over_a_version_that_was_not_read_is_found() {
        let mut story = story("confirmed", "reserved", "completed");
        story.write("orders", order("confirmed", 2));
        assert_eq!(found(story), [MOVES]);
    }

    #[test]
    fn an_order_that_is_reserved_twice_is_found() {
        let mut story = story("cancelled", "released", "voided");
        story.write("inventory", reservation("reserved", 3));
        assert_eq!(found(story), [MOVES, RESERVED_ONCE, RESERVATION]);
    }

    #[test]
    fn only_a_payment_of_nothing_is_voided_after_it_was_completed() {
        let mut free = story("cancelled", "released", "completed");
        free.write("payments", json!({"pk": "o1", "status": "voided", "version": 2}));
        assert_eq!(found(free), Vec::<&str>::new());
        let mut paid = story("cancelled", "released", "completed");
        paid.write("payments", json!({"pk": "o1", "status": "voided", "version": 2, "amount": 500}));
        assert_eq!(found(paid), [MOVES]);
    }

    #[test]
    fn a_payment_that_does_not_match_the_order_is_found() {
        assert_eq!(found(story("cancelled", "released", "completed")), [PAYMENT]);
        assert_eq!(found(story("confirmed", "reserved", "voided")), [PAYMENT]);
    }

    #[test]
    fn a_reservation_of_other_units_than_ordered_is_found() {
        let mut story = story("confirmed", "reserved", "completed");
        let mut fewer = reservation("reserved", 2);
        fewer["lines"] = json!([{"sku": "TEA", "quantity": 1}]);
        story.write("inventory", fewer);
        assert_eq!(found(story), [RESERVATION]);
    }
}
