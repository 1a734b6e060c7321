//! Prices: an order has the prices that the catalog had while its request was answered, and no product that was not for sale then.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence, Exchange};
use super::item::{amount, array, is_order, number, text};

const PRICE: &str = "price-is-from-the-catalog";
const SOLD: &str = "removed-product-is-not-sold";

/// The versions of each product, with the step in which each was written.
type Catalog<'a> = BTreeMap<&'a str, Vec<(u64, &'a Value)>>;

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut catalog = Catalog::new();
    for change in evidence.changes.iter().filter(|change| change.table == "catalog") {
        if let Some(product) = &change.new {
            catalog.entry(text(product, "sku")).or_default().push((change.at.step, product));
        }
    }
    let mut found = Vec::new();
    for change in evidence.changes.iter().filter(|change| change.table == "orders" && change.old.is_none()) {
        let Some(order) = change.new.as_ref().filter(|order| is_order(order)) else { continue };
        let Some(sent) = first_sent(evidence, order, change) else { continue };
        for line in array(order, "lines") {
            let versions = catalog.get(text(line, "sku")).map_or(&[][..], Vec::as_slice);
            found.extend(wrong(order, line, valid(versions, sent, change.at.step)));
        }
    }
    found
}

/// Returns the step in which the first request for an order was sent.
fn first_sent(evidence: &Evidence, order: &Value, written: &Change) -> Option<u64> {
    let accepted = |exchange: &&Exchange| text(&exchange.response, "id") == text(order, "id");
    let placed = || {
        evidence.exchanges.iter().filter(|exchange| exchange.method == "POST" && exchange.sent < written.at)
    };
    let answered = placed().find(accepted);
    let key = evidence
        .exchanges
        .iter()
        .filter(|exchange| exchange.method == "POST")
        .find(accepted)?
        .idempotency_key
        .as_ref();
    let customer = text(order, "customer_id");
    let same = placed().find(|exchange| {
        key.is_some()
            && exchange.idempotency_key.as_ref() == key
            && text(&exchange.body, "customer_id") == customer
    });
    same.or(answered).map(|exchange| exchange.sent.step)
}

/// Returns the versions of a product that were valid at some time from one step to another.
fn valid<'a>(versions: &'a [(u64, &'a Value)], from: u64, to: u64) -> Vec<&'a Value> {
    let replaced_at = |position: usize| versions.get(position + 1).map_or(u64::MAX, |(step, _)| *step);
    let versions = versions.iter().enumerate();
    let valid = versions.filter(|(position, (step, _))| *step <= to && replaced_at(*position) >= from);
    valid.map(|(_, (_, product))| *product).collect()
}

fn wrong(order: &Value, line: &Value, valid: Vec<&Value>) -> Option<Violation> {
    let (id, sku, price) = (text(order, "id"), text(line, "sku"), number(line, "unit_price"));
    let for_sale: Vec<&Value> = valid.into_iter().filter(|product| product.get("listed").is_some()).collect();
    if for_sale.is_empty() {
        return Some(Violation::of_order(
            SOLD,
            id,
            format!("{sku} was not for sale when the order was placed"),
        ));
    }
    let prices: Vec<i64> = for_sale.into_iter().map(|product| amount(product, "price")).collect();
    let text = || format!("{sku} is sold for {price}, and the catalog had {prices:?}");
    (!prices.contains(&price)).then(|| Violation::of_order(PRICE, id, text()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::audit::testing::{Story, names, request};

    fn product(price: i64, is_listed: bool) -> Value {
        let mut product = json!({"sku": "TEA", "price": {"amount": price, "currency": "USD"}});
        if is_listed {
            product["listed"] = json!("product");
        }
        product
    }

    /// Returns what is found if an order with this price is placed after the last version of the product.
    fn found(products: &[Value], price: i64) -> Vec<&'static str> {
        let mut story = Story::default();
        for product in products {
            story.write("catalog", product.clone());
        }
        let mut exchange = request("POST", "/api/v1/orders", json!({"customer_id": "C1"}), 202);
        exchange.response = json!({"id": "o1"});
        story.ask(exchange);
        let lines = json!([{"sku": "TEA", "quantity": 1, "unit_price": price}]);
        story.write("orders", json!({"id": "o1", "status": "pending", "customer_id": "C1", "lines": lines}));
        names(check(&story.evidence))
    }

    #[test]
    fn the_present_price_is_in_order() {
        assert_eq!(found(&[product(100, true), product(200, true)], 200), [""; 0]);
    }

    #[test]
    fn a_price_that_the_catalog_had_during_the_request_is_in_order() {
        let versions = [product(100, true), product(200, true)];
        let versions: Vec<(u64, &Value)> =
            versions.iter().enumerate().map(|(step, product)| (step as u64 * 10, product)).collect();
        assert_eq!(valid(&versions, 5, 15).len(), 2);
        assert_eq!(valid(&versions, 11, 15).len(), 1);
    }

    #[test]
    fn a_price_of_the_past_is_found() {
        assert_eq!(found(&[product(100, true), product(200, true)], 100), [PRICE]);
    }

    #[test]
    fn a_product_that_was_removed_is_found() {
        assert_eq!(found(&[product(100, true), product(100, false)], 100), [SOLD]);
    }
}
