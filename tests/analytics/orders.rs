//! Random orders with every outcome.

use orderflow_domain::{Event, EventData, Timestamp};
use orderflow_tests::TestApp;
use serde_json::{Value, json};

use crate::repeating::RepeatingMode;

/// More SKUs than the summary lists.
const SKUS: usize = 14;

/// A SKU with too little stock.
const SCARCE: &str = "SCARCE";

/// Places and cancels random orders, from a fixed seed.
pub(crate) struct Orders {
    chance: fastrand::Rng,
}

impl Orders {
    /// Creates the products.
    pub(crate) async fn begin(shop: &mut TestApp<RepeatingMode>) -> Self {
        for number in 0..SKUS {
            shop.sell(&sku(number), 1_000_000).await;
        }
        shop.sell(SCARCE, 100).await;
        orderflow_tests::Mode::wait_until_idle(&mut shop.mode).await;
        Self { chance: fastrand::Rng::with_seed(5) }
    }

    /// Places this many orders.
    pub(crate) async fn place(&mut self, shop: &TestApp<RepeatingMode>, count: usize) -> Vec<Value> {
        let mut orders = Vec::with_capacity(count);
        for _ in 0..count {
            orders.push(shop.post("/api/v1/orders", &self.body()).await.expect(202).body);
        }
        orders
    }

    /// Cancels one in ten orders, unless it has ended.
    pub(crate) async fn cancel_some(&mut self, shop: &TestApp<RepeatingMode>, orders: &[Value]) {
        for order in orders {
            if self.chance.u8(0..10) == 0 {
                let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
                let answer = shop.delete(&path).await;
                assert!(matches!(answer.status.as_u16(), 200 | 409), "{}", answer.body);
            }
        }
    }

    /// Returns the events of inventory and payment: most orders are paid, some out of stock, some declined, some stay open.
    pub(crate) fn reports(&mut self, orders: &[Value]) -> Vec<Event> {
        let mut reports = Vec::new();
        for order in orders {
            match self.chance.u8(0..10) {
                0 => {}
                1 => reports.push(report(order, EventData::InventoryReserved)),
                2 => reports.push(report(order, EventData::InventoryRejected)),
                3 => reports.push(report(order, EventData::PaymentFailed)),
                _ => reports.push(report(order, EventData::PaymentCompleted)),
            }
        }
        reports
    }

    fn body(&mut self) -> Value {
        let mut items: Vec<Value> = (0..self.chance.usize(1..4)).map(|_| self.item()).collect();
        if self.chance.u8(0..10) == 0 {
            items.push(json!({"sku": SCARCE, "quantity": 2}));
        }
        let mut body = json!({"customer_id": "C100", "email": "c100@example.com", "items": items});
        if self.chance.u8(0..10) == 0 {
            body["payment_token"] = json!("tok_declined");
        }
        body
    }

    fn item(&mut self) -> Value {
        // SKUs with higher numbers are ordered more often.
        let number = self.chance.usize(0..SKUS).max(self.chance.usize(0..SKUS));
        json!({"sku": sku(number), "quantity": self.chance.u8(1..6)})
    }
}

fn sku(number: usize) -> String {
    format!("SKU-{number:02}")
}

/// Returns an event about an order, with the data that its type requires.
fn report<Data: serde::de::DeserializeOwned>(order: &Value, event: impl Fn(Data) -> EventData) -> Event {
    let (total, id) = (&order["total"], &order["id"]);
    let data = json!({"order_id": id, "total": total, "amount": total["amount"], "currency": total["currency"],
        "reason": "out_of_stock", "shortages": []});
    Event::new(event(serde_json::from_value(data).unwrap()), "", Timestamp::now(), None)
}
