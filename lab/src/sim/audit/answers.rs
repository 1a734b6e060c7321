//! Answers: what the system answered to a client holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Exchange};
use super::item::{amount, array, is_order, number, text, units};

const EXISTS: &str = "accepted-order-exists";
const SAME_ORDER: &str = "repeated-key-same-order";
const OTHER_BODY: &str = "other-body-is-refused";
const ASKED_FOR: &str = "order-was-asked-for";
const CANCELLED: &str = "cancelled-order-stays-cancelled";
const TOTAL: &str = "total-is-the-sum-of-lines";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let orders: BTreeMap<&str, &Value> = evidence
        .table("orders")
        .iter()
        .filter(|item| is_order(item))
        .map(|order| (text(order, "id"), order))
        .collect();
    let placed: Vec<&Exchange> =
        evidence.exchanges.iter().filter(|exchange| is_call(exchange, "POST", "/orders")).collect();
    let mut found: Vec<Violation> = placed.iter().filter_map(|exchange| unknown(exchange, &orders)).collect();
    found.extend(keys(&placed));
    found.extend(unasked(&placed, &orders));
    found.extend(evidence.exchanges.iter().filter_map(|exchange| not_cancelled(exchange, &orders)));
    found.extend(orders.values().filter_map(|order| wrong_total(order)));
    found
}

fn is_call(exchange: &Exchange, method: &str, path: &str) -> bool {
    exchange.method == method && exchange.path.strip_prefix("/api/v1").unwrap_or(&exchange.path) == path
}

fn is_success(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| status < 300)
}

/// Checks that an accepted order exists, with the customer and the units that were asked for.
fn unknown(exchange: &Exchange, orders: &BTreeMap<&str, &Value>) -> Option<Violation> {
    if !is_success(exchange) {
        return None;
    }
    let id = text(&exchange.response, "id");
    let Some(order) = orders.get(id) else {
        return Some(Violation::of_order(EXISTS, id, "it was accepted, and is not stored"));
    };
    let is_same = text(order, "customer_id") == text(&exchange.body, "customer_id")
        && units(array(order, "lines")) == units(array(&exchange.body, "items"));
    let text = || format!("{} was accepted, and {order} is stored", exchange.body);
    (!is_same).then(|| Violation::of_order(EXISTS, id, text()))
}

/// Checks the answers to requests of one customer under one key: one order, and one body.
fn keys(placed: &[&Exchange]) -> Vec<Violation> {
    let mut accepted: BTreeMap<(&str, &str), Vec<&Exchange>> = BTreeMap::new();
    for exchange in placed.iter().filter(|exchange| is_success(exchange)) {
        if let Some(key) = exchange.idempotency_key.as_deref() {
            accepted.entry((text(&exchange.body, "customer_id"), key)).or_default().push(exchange);
        }
    }
    let mut found = Vec::new();
    for ((customer, key), exchanges) in accepted {
        let ids: BTreeSet<&str> = exchanges.iter().map(|exchange| text(&exchange.response, "id")).collect();
        let bodies: BTreeSet<String> = exchanges.iter().map(|exchange| normal(&exchange.body)).collect();
        if ids.len() > 1 {
            found.push(Violation::of(SAME_ORDER, format!("{customer} got {ids:?} under the key {key}")));
        }
        if bodies.len() > 1 {
            found.push(Violation::of(
                OTHER_BODY,
                format!("{customer} was accepted under the key {key} with {bodies:?}"),
            ));
        }
    }
    found
}

/// Returns a text that two bodies have in common if they ask for the same.
fn normal(body: &Value) -> String {
    let given = ["customer_id", "email", "phone", "payment_token"].map(|name| text(body, name));
    format!("{given:?} {:?}", units(array(body, "items")))
}

/// Checks that each order was asked for, and orders of one customer no more often than asked for.
fn unasked(placed: &[&Exchange], orders: &BTreeMap<&str, &Value>) -> Vec<Violation> {
    let mut requests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (number, exchange) in placed.iter().enumerate() {
        let request = exchange
            .idempotency_key
            .as_ref()
            .map_or_else(|| format!("without key {number}"), |key| format!("key {key}"));
        let what = asked(text(&exchange.body, "customer_id"), array(&exchange.body, "items"));
        requests.entry(what).or_default().insert(request);
    }
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for order in orders.values() {
        *made.entry(asked(text(order, "customer_id"), array(order, "lines"))).or_default() += 1;
    }
    let more = made.into_iter().filter_map(|(what, made)| {
        let asked = requests.get(&what).map_or(0, BTreeSet::len);
        let text = || format!("{made} orders {what} exist, and {asked} were asked for");
        (made > asked).then(|| Violation::of(ASKED_FOR, text()))
    });
    more.collect()
}

fn asked(customer: &str, lines: &[Value]) -> String {
    format!("of {customer} for {:?}", units(lines))
}

/// Checks that an order whose cancellation was answered with success is cancelled by the customer.
fn not_cancelled(exchange: &Exchange, orders: &BTreeMap<&str, &Value>) -> Option<Violation> {
    let path = exchange.path.strip_prefix("/api/v1").unwrap_or(&exchange.path);
    let id = path.strip_prefix("/orders/").filter(|_| exchange.method == "DELETE" && is_success(exchange))?;
    let order = orders.get(id)?;
    let (status, reason) = (text(order, "status"), text(order, "reason"));
    let text = || format!("its cancellation was answered with success, and it is {status} {reason}");
    ((status, reason) != ("cancelled", "customer")).then(|| Violation::of_order(CANCELLED, id, text()))
}

fn wrong_total(order: &Value) -> Option<Violation> {
    let lines = array(order, "lines").iter();
    let sum: i64 = lines.map(|line| number(line, "quantity") * number(line, "unit_price")).sum();
    let total = amount(order, "total");
    let text = || format!("its total is {total}, and its lines are worth {sum}");
    (sum != total).then(|| Violation::of_order(TOTAL, super::item::text(order, "id"), text()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names, request};

    fn place(quantity: i64, id: &str) -> Exchange {
        let body = json!({"customer_id": "C1", "email": "c1@example.com", "items": [{"sku": "TEA", "quantity": quantity}]});
        let mut exchange = request("POST", "/api/v1/orders", body, 202);
        exchange.response = json!({"id": id});
        exchange.idempotency_key = Some("k".to_owned());
        exchange
    }

    fn order(id: &str) -> Value {
        json!({"id": id, "customer_id": "C1", "status": "confirmed", "total": {"amount": 500},
            "lines": [{"sku": "TEA", "quantity": 2, "unit_price": 250}]})
    }

    fn story() -> Story {
        let mut story = Story::default();
        story.ask(place(2, "o1"));
        story.write("orders", order("o1"));
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn repeats_and_refusals_are_in_order() {
        let mut story = story();
        story.ask(place(2, "o1"));
        let mut refused = place(3, "");
        refused.status = Some(422);
        story.ask(refused);
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn an_accepted_order_that_is_not_stored_is_found() {
        let mut story = story();
        story.evidence.tables.clear();
        assert_eq!(found(story), [EXISTS]);
    }

    #[test]
    fn an_order_of_other_units_than_accepted_is_found() {
        let mut story = story();
        story.evidence.exchanges[0] = place(3, "o1");
        assert_eq!(found(story), [EXISTS, ASKED_FOR]);
    }

    #[test]
    fn a_repeat_that_makes_another_order_is_found() {
        let mut story = story();
        story.ask(place(2, "o2"));
        story.write("orders", order("o2"));
        assert_eq!(found(story), [SAME_ORDER, ASKED_FOR]);
    }

    #[test]
    fn another_body_that_is_accepted_is_found() {
        let mut story = story();
        let mut other = place(2, "o1");
        other.body["email"] = json!("other@example.com");
        story.ask(other);
        assert_eq!(found(story), [OTHER_BODY]);
    }

    #[test]
    fn an_order_that_was_not_asked_for_is_found() {
        let mut story = story();
        story.write("orders", order("o9"));
        assert_eq!(found(story), [ASKED_FOR]);
    }

    #[test]
    fn a_cancelled_order_that_is_confirmed_is_found() {
        let mut story = story();
        story.ask(request("DELETE", "/api/v1/orders/o1", Value::Null, 200));
        assert_eq!(found(story), [CANCELLED]);
    }

    #[test]
    fn a_total_that_is_not_the_sum_is_found() {
        let mut story = story();
        let mut cheap = order("o1");
        cheap["total"]["amount"] = json!(1);
        story.write("orders", cheap);
        assert_eq!(found(story), [TOTAL]);
    }
}
