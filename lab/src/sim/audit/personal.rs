//! Forgotten customers: no address, number or token of theirs is left in a table, a queue or a dead letter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Violation;
use super::evidence::{Evidence, Exchange, Fate, Moment};
use super::item::text;

const FORGOTTEN: &str = "forgotten-customer-leaves-nothing";

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut customers: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (position, exchange) in evidence.exchanges.iter().enumerate().rev() {
        let Some(customer) = forgotten(exchange).filter(|_| is_done(exchange)) else { continue };
        // Of several runs the last counts.
        if customers.insert(customer) {
            // What is given away during the run is not covered by it. The call with which it began has no cursor.
            let calls = evidence.exchanges[..=position].iter().rev();
            let mut calls = calls.filter(|call| forgotten(call) == Some(customer));
            let began =
                calls.find(|call| !call.path.contains("cursor=")).map_or(exchange.sent, |call| call.sent);
            let personal = personal(evidence, customer, began);
            found.extend(left(evidence, customer, &personal, exchange));
        }
    }
    found
}

/// Returns the customer whom a request forgets.
fn forgotten(exchange: &Exchange) -> Option<&str> {
    let path = exchange.path.strip_prefix("/api/v1").unwrap_or(&exchange.path);
    let rest = path.strip_prefix("/customers/").filter(|_| exchange.method == "DELETE")?;
    Some(rest.split('?').next().unwrap_or(rest))
}

/// Returns whether a request finished the work.
fn is_done(exchange: &Exchange) -> bool {
    let is_success = exchange.status.is_some_and(|status| status < 300);
    is_success && exchange.response.get("next_cursor").is_none_or(Value::is_null)
}

/// Returns what a customer gave away before a moment, and not again afterwards.
fn personal<'a>(evidence: &'a Evidence, customer: &str, forgotten: Moment) -> BTreeSet<&'a str> {
    let (mut before, mut after): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    for exchange in &evidence.exchanges {
        // Requested notifications have an address and no customer.
        let is_of_customer = text(&exchange.body, "customer_id") == customer;
        let given = ["email", "phone", "payment_token"].into_iter().map(|name| text(&exchange.body, name));
        let given = given.filter(|given| !given.is_empty());
        // What another customer gave as well, such as a token of a test card, is not only of this one.
        let is_late = exchange.status.is_none() || exchange.answered >= forgotten;
        if is_late || !is_of_customer {
            after.extend(given);
        } else if exchange.status.is_some_and(|status| status < 300) {
            // Only orders connect an address with a customer.
            before.extend(given);
        }
    }
    // Once the orders are blank, nothing connects a message that is requested afterwards with the customer.
    let first = evidence.exchanges.iter().find(|call| self::forgotten(call) == Some(customer));
    let first = first.map_or(forgotten, |call| call.sent);
    let is_late = |exchange: &&Exchange| exchange.status.is_none() || exchange.answered >= first;
    let requested = evidence.exchanges.iter().filter(is_late);
    after.extend(requested.map(|exchange| text(&exchange.body, "recipient")));
    &before - &after
}

fn left(
    evidence: &Evidence,
    customer: &str,
    personal: &BTreeSet<&str>,
    forgotten: &Exchange,
) -> Vec<Violation> {
    let tables = evidence
        .tables
        .iter()
        .flat_map(|(table, items)| items.iter().map(move |item| (table.as_str(), item)));
    // A message that a consumer held is not looked at: if it dead-letters it afterwards, the customer has to be forgotten again.
    let held: BTreeSet<&str> = evidence
        .handled
        .iter()
        .filter(|handled| handled.at > forgotten.sent && handled.fate == Fate::DeadLettered)
        .map(|handled| handled.event_id.as_str())
        .collect();
    let letters = evidence.left.iter().filter(|(_, letter)| !held.contains(text(letter, "id")));
    let letters = letters.map(|(consumer, letter)| (consumer.as_str(), letter));
    let mut found = Vec::new();
    for (place, item) in tables.chain(letters) {
        let stored = item.to_string();
        for given in personal.iter().filter(|given| stored.contains(*given)) {
            let text = format!("{customer} is forgotten, and {given} is in {place}: {stored}");
            found.push(Violation::of(FORGOTTEN, text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names, request};

    fn story() -> Story {
        let mut story = Story::default();
        let body = json!({"customer_id": "C1", "email": "c1@example.com", "phone": "+15550101"});
        story.ask(request("POST", "/api/v1/orders", body, 202));
        let mut forget = request("DELETE", "/api/v1/customers/C1", Value::Null, 200);
        forget.response = json!({"next_cursor": null});
        story.ask(forget);
        story
            .write("orders", json!({"id": "o1", "customer_id": "C1", "email": "forgotten@customer.invalid"}));
        story
    }

    fn found(story: Story) -> Vec<&'static str> {
        names(check(&story.evidence))
    }

    #[test]
    fn a_customer_who_is_forgotten_everywhere_is_in_order() {
        assert_eq!(found(story()), Vec::<&str>::new());
    }

    #[test]
    fn an_address_in_a_table_is_found() {
        let mut story = story();
        story.write("payments", json!({"pk": "o1", "phone": "+15550101"}));
        assert_eq!(found(story), [FORGOTTEN]);
    }

    #[test]
    fn an_address_in_a_dead_letter_is_found() {
        let mut story = story();
        let letter = json!({"id": "e1", "data": {"email": "c1@example.com"}});
        story.evidence.left.push(("notification".to_owned(), letter));
        assert_eq!(found(story), [FORGOTTEN]);
    }

    #[test]
    fn a_customer_who_orders_again_is_stored_again() {
        let mut story = story();
        let body = json!({"customer_id": "C1", "email": "c1@example.com"});
        story.ask(request("POST", "/api/v1/orders", body, 202));
        story.write("orders", json!({"id": "o2", "customer_id": "C1", "email": "c1@example.com"}));
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn an_order_that_is_placed_while_the_customer_is_forgotten_may_be_left() {
        let mut story = story();
        let mut first = request("DELETE", "/api/v1/customers/C1", Value::Null, 200);
        first.response = json!({"next_cursor": "c"});
        story.ask(first);
        let body = json!({"customer_id": "C1", "email": "new@example.com"});
        story.ask(request("POST", "/api/v1/orders", body, 202));
        let mut last = request("DELETE", "/api/v1/customers/C1?cursor=c", Value::Null, 200);
        last.response = json!({"next_cursor": null});
        story.ask(last);
        story.write("orders", json!({"id": "o2", "customer_id": "C1", "email": "new@example.com"}));
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn an_address_of_a_refused_request_belongs_to_no_customer() {
        let mut story = story();
        story.evidence.exchanges[0].status = Some(422);
        story.write(
            "notifications",
            json!({"order_id": "n1", "id": "request", "recipient": "c1@example.com"}),
        );
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn a_message_that_is_requested_after_the_orders_were_blanked_belongs_to_no_customer() {
        let mut story = story();
        let body = json!({"channel": "email", "recipient": "c1@example.com"});
        story.ask(request("POST", "/api/v1/notifications", body, 202));
        story.write(
            "notifications",
            json!({"order_id": "n1", "id": "request", "recipient": "c1@example.com"}),
        );
        let mut again = request("DELETE", "/api/v1/customers/C1", Value::Null, 200);
        again.response = json!({"next_cursor": null});
        story.ask(again);
        assert_eq!(found(story), Vec::<&str>::new());
    }

    #[test]
    fn a_customer_who_could_not_be_forgotten_is_still_stored() {
        let mut story = story();
        story.evidence.exchanges[1].status = Some(409);
        story.write("orders", json!({"id": "o1", "customer_id": "C1", "email": "c1@example.com"}));
        assert_eq!(found(story), Vec::<&str>::new());
    }
}
