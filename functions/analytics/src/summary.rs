//! Everything there is, in a few numbers.

use std::cmp::Reverse;

use orderflow_domain::{Currency, Money, Sku, Timestamp};
use orderflow_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::plan::{ORDERS, SKU};
use crate::reader::{Counters, Reader};
use crate::tally::Collection;

/// How many skus are named.
const TOP: usize = 10;

/// Before and behind every name: what they consist of lies between.
const FIRST: &str = "!";
const LAST: &str = "~";

/// What was ordered and sold so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Summary {
    total_orders: i64,
    by_status: ByStatus,
    /// The totals of confirmed orders.
    revenue: Money,
    /// Of confirmed orders, rounded to the nearest minor unit.
    average_order_value: Money,
    /// Those of which most units were sold, in confirmed orders.
    top_skus: Vec<SkuSold>,
    /// When something was counted last; null where nothing was.
    #[schema(required = true)]
    last_updated: Option<Timestamp>,
}

/// Orders by how they stand. Events tell how an order begins and ends: one that is reserved is still pending here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrdersByStatus)]
struct ByStatus {
    pending: i64,
    confirmed: i64,
    rejected: i64,
    cancelled: i64,
}

/// How many units of a sku were sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct SkuSold {
    #[schema(value_type = Sku)]
    sku: String,
    quantity: i64,
}

impl Summary {
    pub(crate) async fn read(reader: &Reader, currency: &Currency) -> Result<Self, StoreError> {
        let counters = reader.read(Collection::Summary, FIRST..=LAST).await?;
        Ok(Self::of(&counters, currency))
    }

    fn of(counters: &Counters, currency: &Currency) -> Self {
        let orders = counters.counts.get(ORDERS).copied().unwrap_or_default();
        let money = |amount| Money { amount, currency: currency.clone() };
        let ended = orders.confirmed + orders.rejected + orders.cancelled;
        Self {
            total_orders: orders.orders,
            by_status: ByStatus {
                // Shards are not read at one moment: an order may be seen to end that was not seen to begin.
                pending: (orders.orders - ended).max(0),
                confirmed: orders.confirmed,
                rejected: orders.rejected,
                cancelled: orders.cancelled,
            },
            revenue: money(orders.revenue),
            average_order_value: money(average(orders.revenue, orders.confirmed)),
            top_skus: top_skus(counters),
            last_updated: counters.updated_at,
        }
    }
}

fn average(revenue: i64, confirmed: i64) -> i64 {
    if confirmed == 0 { 0 } else { (revenue + confirmed / 2) / confirmed }
}

/// By quantity; where that is the same, by sku.
fn top_skus(counters: &Counters) -> Vec<SkuSold> {
    let skus = counters.counts.iter().filter_map(|(name, counts)| {
        let sku = name.strip_prefix(SKU)?.to_owned();
        Some(SkuSold { sku, quantity: counts.quantity })
    });
    let mut sold: Vec<SkuSold> = skus.collect();
    sold.sort_by_key(|sold| Reverse(sold.quantity));
    sold.truncate(TOP);
    sold
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::tally::Counts;

    fn counters(counts: impl IntoIterator<Item = (String, Counts)>) -> Counters {
        Counters { counts: counts.into_iter().collect(), updated_at: None }
    }

    fn summary(counters: &Counters) -> Summary {
        Summary::of(counters, &Currency::parse("USD").unwrap())
    }

    #[test]
    fn without_orders_all_is_zero() {
        let summary = summary(&counters([]));
        assert_eq!((summary.total_orders, summary.average_order_value.amount), (0, 0));
        assert!(summary.top_skus.is_empty() && summary.last_updated.is_none());
    }

    #[test]
    fn the_average_is_rounded_to_the_nearest_minor_unit() {
        for (revenue, confirmed, expected) in [(10, 4, 3), (9, 4, 2), (200, 3, 67), (100, 3, 33)] {
            assert_eq!(average(revenue, confirmed), expected, "{revenue} / {confirmed}");
        }
    }

    #[test]
    fn the_ten_skus_that_sold_most_are_named() {
        let quantities = [5, 1, 9, 9, 2, 3, 4, 6, 7, 8, 10, 11];
        let sold = quantities.into_iter().enumerate().map(|(number, quantity)| {
            (format!("{SKU}S{number:02}"), Counts { quantity, ..Counts::default() })
        });
        let top = summary(&counters(sold)).top_skus;
        let names: Vec<&str> = top.iter().map(|sold| sold.sku.as_str()).collect();
        assert_eq!(names, ["S11", "S10", "S02", "S03", "S09", "S08", "S07", "S00", "S06", "S05"]);
    }

    #[test]
    fn an_order_whose_end_is_read_before_its_beginning_is_not_negative() {
        let ended = Counts { confirmed: 3, orders: 2, ..Counts::default() };
        assert_eq!(summary(&counters([(ORDERS.to_owned(), ended)])).by_status.pending, 0);
    }
}
