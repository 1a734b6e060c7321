//! Orders at a steady rate.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::shop::Shop;

/// The largest number of requests in flight.
const MOST_IN_FLIGHT: usize = 64;

pub(crate) fn order(sku: &str) -> Value {
    json!({"customer_id": "C100", "email": "c100@example.com", "items": [{"sku": sku, "quantity": 1}]})
}

/// How many orders to place.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Orders(usize),
    Time(Duration),
}

/// Places orders at a rate, and returns the ids of those that were accepted.
pub(crate) async fn place_at_rate(shop: &Shop, sku: &str, per_second: u32, limit: Limit) -> Vec<String> {
    let (body, started) = (order(sku), Instant::now());
    let mut tick = interval(Duration::from_secs(1) / per_second);
    // The rate is an average: delayed ticks are made up for.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut accepted, mut waiting) = (Vec::new(), FuturesUnordered::new());
    let mut sent = 0;
    while match limit {
        Limit::Orders(orders) => sent < orders,
        Limit::Time(time) => started.elapsed() < time,
    } {
        tick.tick().await;
        waiting.push(shop.place(&body));
        sent += 1;
        while waiting.len() >= MOST_IN_FLIGHT {
            accepted.extend(waiting.next().await.flatten());
        }
    }
    while let Some(id) = waiting.next().await {
        accepted.extend(id);
    }
    accepted
}
