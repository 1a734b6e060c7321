//! What the load generator orders.

use std::fmt;

use bytes::Bytes;
use clap::ValueEnum;
use serde_json::{Value, json};

/// The products of a scenario that spreads its orders.
const PRODUCTS: usize = 50;

/// The number of customers who place the orders.
const CUSTOMERS: u64 = 1_000;

/// The price of each product in minor units.
const PRICE: i64 = 1_999;

/// The units of each product that can be ordered, which no run uses up.
const STOCK: i64 = 900_000_000;

/// Which products are ordered, and how the orders end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// One line, spread over 50 products; every order is confirmed
    Uniform,
    /// One line, always of the same product; every order is confirmed
    HotSku,
    /// Five lines of different products, spread over 50; every order is confirmed
    FiveLines,
    /// As uniform, but of ten orders one has a declined card and one a product that is out of stock
    Mixed,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// A product that the orders are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub sku: String,
    stock: i64,
}

impl Product {
    /// Returns the body of the request that adds the product.
    pub(crate) fn body(&self, currency: &str) -> Bytes {
        let price = json!({"amount": PRICE, "currency": currency});
        let body = json!({"sku": self.sku, "name": "Load test", "price": price, "stock": self.stock});
        Bytes::from(body.to_string())
    }
}

/// The orders of a run, by their number.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    scenario: Scenario,
    products: Vec<Product>,
    sold_out: Option<Product>,
}

impl Workload {
    /// Creates the workload of a scenario. The skus of its products contain `run`.
    pub(crate) fn new(scenario: Scenario, run: &str) -> Self {
        let count = if scenario == Scenario::HotSku { 1 } else { PRODUCTS };
        let product = |name: String, stock| Product { sku: format!("BENCH-{run}-{name}"), stock };
        let products = (1..=count).map(|number| product(format!("{number:02}"), STOCK)).collect();
        let sold_out = (scenario == Scenario::Mixed).then(|| product("NONE".to_owned(), 0));
        Self { scenario, products, sold_out }
    }

    /// Returns the products that have to exist.
    pub(crate) fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.iter().chain(&self.sold_out)
    }

    /// Returns the body of an order. Equal numbers give equal orders, so that two runs can be compared.
    pub(crate) fn order(&self, number: u64) -> Bytes {
        let customer = number % CUSTOMERS;
        let mut order = json!({
            "customer_id": format!("C{customer}"),
            "email": format!("c{customer}@example.com"),
            "items": self.lines(number),
        });
        if self.scenario == Scenario::Mixed && number % 10 == 3 {
            order["payment_token"] = json!("tok_declined");
        }
        Bytes::from(order.to_string())
    }

    fn lines(&self, number: u64) -> Vec<Value> {
        let line = |product: &Product| json!({"sku": product.sku, "quantity": 1});
        if let Some(sold_out) = self.sold_out.as_ref().filter(|_| number % 10 == 7) {
            return vec![line(sold_out)];
        }
        let count = if self.scenario == Scenario::FiveLines { 5 } else { 1 };
        // A generator of its own for each order: which order gets which number depends on the clients.
        let first = fastrand::Rng::with_seed(number).usize(..self.products.len());
        // A step that shares no divisor with the number of products never repeats one within an order.
        (0..count).map(|step| line(&self.products[(first + step * 7) % self.products.len()])).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn orders(scenario: Scenario) -> Vec<Value> {
        let workload = Workload::new(scenario, "X");
        (0..1_000).map(|number| serde_json::from_slice(&workload.order(number)).unwrap()).collect()
    }

    fn skus(order: &Value) -> BTreeSet<String> {
        let lines = order["items"].as_array().unwrap();
        let skus: BTreeSet<_> = lines.iter().map(|line| line["sku"].as_str().unwrap().to_owned()).collect();
        assert_eq!(skus.len(), lines.len(), "an order has each sku once");
        skus
    }

    #[test]
    fn uniform_orders_reach_every_product() {
        let all: BTreeSet<_> = orders(Scenario::Uniform).iter().flat_map(skus).collect();
        let known =
            Workload::new(Scenario::Uniform, "X").products().map(|product| product.sku.clone()).collect();
        assert_eq!(all, known);
    }

    #[test]
    fn hot_orders_are_for_one_product_and_long_ones_for_five() {
        assert_eq!(orders(Scenario::HotSku).iter().flat_map(skus).collect::<BTreeSet<_>>().len(), 1);
        assert!(orders(Scenario::FiveLines).iter().all(|order| skus(order).len() == 5));
    }

    #[test]
    fn of_ten_mixed_orders_one_is_declined_and_one_is_out_of_stock() {
        let orders = orders(Scenario::Mixed);
        let declined = orders.iter().filter(|order| order["payment_token"] == "tok_declined").count();
        let sold_out = orders.iter().filter(|order| skus(order).contains("BENCH-X-NONE")).count();
        assert_eq!((declined, sold_out), (100, 100));
    }
}
