//! Prices: an order has the prices that the catalog had while its request was answered, and no product that was not for sale then.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;
use super::evidence::{Change, Evidence, Exchange};
use super::item::{amount, array, is_order, number, text};

const PRICE: &str = "price-is-from-the-catalog";
const SOLD: &str = "removed-product-is-not-sold";

/// A version of a product.
#[derive(Debug)]
struct Version<'a> {
    product: &'a Value,
    /// The step in which it was written.
    written: u64,
    /// The step in which the request that wrote it was answered. Until then, also earlier versions may be sold.
    answered: u64,
}

type Catalog<'a> = BTreeMap<&'a str, Vec<Version<'a>>>;

pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut catalog = Catalog::new();
    for change in evidence.changes.iter().filter(|change| change.table == "catalog") {
        if let Some(product) = &change.new {
            let (sku, written) = (text(product, "sku"), change.at.step);
            let version = Version { product, written, answered: answered(evidence, sku, written) };
            catalog.entry(sku).or_default().push(version);
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

/// Returns the step in which the request was answered that wrote a version; never, if it was not answered with success.
fn answered(evidence: &Evidence, sku: &str, written: u64) -> u64 {
    let is_of = |exchange: &&Exchange| {
        let is_about =
            exchange.path.ends_with(&format!("/products/{sku}")) || text(&exchange.body, "sku") == sku;
        is_about && exchange.sent.step < written && written < exchange.answered.step
    };
    let succeeded = |exchange: &&Exchange| exchange.status.is_some_and(|status| status < 300);
    // Of several requests at the same time, any may have written it.
    let answers =
        evidence.exchanges.iter().filter(is_of).filter(succeeded).map(|exchange| exchange.answered.step);
    answers.max().unwrap_or(u64::MAX)
}

/// Returns the versions of a product that may be sold at some time from one step to another.
fn valid<'a>(versions: &[Version<'a>], from: u64, to: u64) -> Vec<&'a Value> {
    let mut valid = Vec::new();
    for (position, version) in versions.iter().enumerate() {
        let replaced = versions[position + 1..].iter().map(|later| later.answered).min().unwrap_or(u64::MAX);
        if version.written <= to && replaced >= from {
            valid.push(version.product);
        }
    }
    valid
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

    /// Returns what is found if an order with this price is placed after the requests that wrote these versions.
    fn found(products: &[Value], status: u16, price: i64) -> Vec<&'static str> {
        let mut story = Story::default();
        for product in products {
            story.ask_and_write(
                request("PATCH", "/api/v1/products/TEA", Value::Null, status),
                "catalog",
                product,
            );
        }
        let mut exchange = request("POST", "/api/v1/orders", json!({"customer_id": "C1"}), 202);
        exchange.response = json!({"id": "o1"});
        let lines = json!([{"sku": "TEA", "quantity": 1, "unit_price": price}]);
        let order = json!({"id": "o1", "status": "pending", "customer_id": "C1", "lines": lines});
        story.ask_and_write(exchange, "orders", &order);
        names(check(&story.evidence))
    }

    #[test]
    fn the_present_price_is_in_order() {
        assert_eq!(found(&[product(100, true), product(200, true)], 200, 200), [""; 0]);
    }

    #[test]
    fn a_price_that_the_catalog_had_during_the_request_is_in_order() {
        let (old, new) = (product(100, true), product(200, true));
        let versions = [
            Version { product: &old, written: 5, answered: 8 },
            Version { product: &new, written: 15, answered: 20 },
        ];
        assert_eq!(valid(&versions, 10, 12), [&old]);
        assert_eq!(valid(&versions, 18, 19), [&old, &new]);
        assert_eq!(valid(&versions, 21, 22), [&new]);
    }

    #[test]
    fn a_price_of_the_past_is_found_unless_the_change_may_be_unknown() {
        assert_eq!(found(&[product(100, true), product(200, true)], 200, 100), [PRICE]);
        assert_eq!(found(&[product(100, true), product(200, true)], 503, 100), [""; 0]);
    }

    #[test]
    fn a_product_that_was_removed_is_found() {
        assert_eq!(found(&[product(100, true), product(100, false)], 200, 100), [SOLD]);
    }
}
