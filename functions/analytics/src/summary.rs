//! The totals of all orders.

use std::cmp::Reverse;

use orderflow_domain::{Currency, Money, Sku, Timestamp};
use orderflow_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::counter_reader::{CounterReader, Counters};
use crate::counters::{ALL_ORDERS, Collection, SKU_PREFIX};

/// The number of SKUs in `top_skus`.
const TOP_SKUS: usize = 10;

/// The most counters that are read of each shard. The counter of all orders is the first; the others are those of SKUs.
const COUNTERS_MAX: usize = 5_000;

/// The totals of all orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Summary {
    total_orders: i64,
    by_status: ByStatus,
    /// The sum of the totals of confirmed orders.
    revenue: Money,
    /// The average total of a confirmed order, rounded to the nearest minor unit.
    average_order_value: Money,
    /// The 10 SKUs of which confirmed orders contain the most units, in descending order; null if more SKUs were sold than are read for one response.
    #[schema(required = true)]
    top_skus: Option<Vec<SkuSold>>,
    /// When an event was last counted; null before the first.
    #[schema(required = true)]
    last_updated: Option<Timestamp>,
}

/// Orders by status. A pending order has not ended yet: a reserved one counts as pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrdersByStatus)]
struct ByStatus {
    pending: i64,
    confirmed: i64,
    rejected: i64,
    cancelled: i64,
}

/// Units of a SKU in confirmed orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct SkuSold {
    #[schema(value_type = Sku)]
    sku: String,
    quantity: i64,
}

impl Summary {
    pub(crate) async fn read(reader: &CounterReader, currency: &Currency) -> Result<Self, StoreError> {
        let counters = reader.read_first(Collection::Summary, COUNTERS_MAX).await?;
        Ok(Self::of(&counters, currency))
    }

    fn of(counters: &Counters, currency: &Currency) -> Self {
        let orders = counters.counts.get(ALL_ORDERS).copied().unwrap_or_default();
        let money = |amount| Money { amount, currency: currency.clone() };
        let ended = orders.confirmed + orders.rejected + orders.cancelled;
        Self {
            total_orders: orders.orders,
            by_status: ByStatus {
                // Shards are not read at the same moment, so an order's end can be read without its beginning.
                pending: (orders.orders - ended).max(0),
                confirmed: orders.confirmed,
                rejected: orders.rejected,
                cancelled: orders.cancelled,
            },
            revenue: money(orders.revenue),
            average_order_value: money(average(orders.revenue, orders.confirmed)),
            top_skus: (!counters.has_more).then(|| top_skus(counters)),
            last_updated: counters.updated_at,
        }
    }
}

fn average(revenue: i64, confirmed: i64) -> i64 {
    if confirmed == 0 { 0 } else { (revenue + confirmed / 2) / confirmed }
}

/// Sorts by quantity, then by SKU.
fn top_skus(counters: &Counters) -> Vec<SkuSold> {
    let skus = counters.counts.iter().filter_map(|(name, counts)| {
        let sku = name.strip_prefix(SKU_PREFIX)?.to_owned();
        Some(SkuSold { sku, quantity: counts.quantity })
    });
    let mut sold: Vec<SkuSold> = skus.collect();
    sold.sort_by_key(|sold| Reverse(sold.quantity));
    sold.truncate(TOP_SKUS);
    sold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counts;

    fn counters(counts: impl IntoIterator<Item = (String, Counts)>) -> Counters {
        Counters { counts: counts.into_iter().collect(), ..Counters::default() }
    }

    fn summary(counters: &Counters) -> Summary {
        Summary::of(counters, &Currency::parse("USD").unwrap())
    }

    #[test]
    fn without_orders_every_number_is_zero() {
        let summary = summary(&counters([]));
        assert_eq!((summary.total_orders, summary.average_order_value.amount), (0, 0));
        assert!(summary.top_skus.is_some_and(|skus| skus.is_empty()) && summary.last_updated.is_none());
    }

    #[test]
    fn the_average_is_rounded_to_the_nearest_minor_unit() {
        for (revenue, confirmed, expected) in [(10, 4, 3), (9, 4, 2), (200, 3, 67), (100, 3, 33)] {
            assert_eq!(average(revenue, confirmed), expected, "{revenue} / {confirmed}");
        }
    }

    #[test]
    fn the_ten_best_selling_skus_are_listed() {
        let quantities = [5, 1, 9, 9, 2, 3, 4, 6, 7, 8, 10, 11];
        let sold = quantities.into_iter().enumerate().map(|(number, quantity)| {
            (format!("{SKU_PREFIX}S{number:02}"), Counts { quantity, ..Counts::default() })
        });
        let top = summary(&counters(sold)).top_skus.unwrap();
        let names: Vec<&str> = top.iter().map(|sold| sold.sku.as_str()).collect();
        assert_eq!(names, ["S11", "S10", "S02", "S03", "S09", "S08", "S07", "S00", "S06", "S05"]);
    }

    #[test]
    fn an_end_read_before_its_beginning_makes_no_negative_count() {
        let ended = Counts { confirmed: 3, orders: 2, ..Counts::default() };
        assert_eq!(summary(&counters([(ALL_ORDERS.to_owned(), ended)])).by_status.pending, 0);
    }
}
