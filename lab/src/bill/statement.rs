//! The bill: what each part of an order costs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::prices::Prices;
use super::usage::Usage;

/// The steps of an order as a workflow: reserve, charge, confirm, notify, count.
const STEPS: f64 = 5.0;

/// What a workflow keeps of each step, in bytes.
const STEP_BYTES: f64 = 1_024.0;

const GB: f64 = 1_000_000_000.0;
const MILLION: f64 = 1_000_000.0;

/// What a confirmed order of one line costs. Serialised, it is what `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Bill {
    /// The number of orders that were counted.
    pub orders: u32,
    /// The number of products that they were spread over.
    pub products: u32,
    /// The region and the day of the prices.
    pub prices: Source,
    /// The messages in a batch.
    pub batch_fill: usize,
    /// USD for a million orders.
    pub usd_per_million_orders: f64,
    /// Write units of DynamoDB for an order.
    pub write_units_per_order: f64,
    /// Read units of DynamoDB for an order.
    pub read_units_per_order: f64,
    /// What is billed.
    pub parts: Vec<Part>,
    /// Write units for an order, by table and index.
    pub write_units: BTreeMap<String, f64>,
    /// Read units for an order, by table and index.
    pub read_units: BTreeMap<String, f64>,
    /// Calls for an order, by function.
    pub calls: BTreeMap<&'static str, f64>,
    /// The same orders if every message is alone in its batch. Null within itself.
    pub fill_1: Option<Box<Bill>>,
    /// What the same order costs as a workflow, in USD for a million orders.
    pub as_workflow: BTreeMap<&'static str, f64>,
}

/// Where prices come from.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// The region.
    pub region: String,
    /// The day on which they were read.
    pub as_of: String,
}

/// A line of the bill.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// What is billed.
    pub name: &'static str,
    /// How much of it an order needs.
    pub per_order: f64,
    /// USD for a million orders.
    pub usd_per_million_orders: f64,
}

impl Bill {
    pub(super) fn new(
        prices: &Prices,
        orders: u32,
        products: u32,
        busy: (usize, &Usage),
        quiet: (usize, &Usage),
    ) -> Self {
        let mut bill = Self::of(prices, orders, products, busy);
        bill.fill_1 = Some(Box::new(Self::of(prices, orders, products, quiet)));
        bill
    }

    fn of(prices: &Prices, orders: u32, products: u32, (batch_fill, usage): (usize, &Usage)) -> Self {
        let orders_f = f64::from(orders);
        let by_place = |units: &BTreeMap<String, f64>| -> BTreeMap<String, f64> {
            units.iter().map(|(place, units)| (place.clone(), rounded(units / orders_f))).collect()
        };
        let parts = parts(prices, usage, orders_f);
        let calls = usage.calls.iter().map(|(name, calls)| (*name, rounded(calls.count as f64 / orders_f)));
        Self {
            orders,
            products,
            prices: Source { region: prices.region.clone(), as_of: prices.as_of.clone() },
            batch_fill,
            usd_per_million_orders: rounded(parts.iter().map(|part| part.usd_per_million_orders).sum()),
            write_units_per_order: rounded(usage.writes.values().sum::<f64>() / orders_f),
            read_units_per_order: rounded(usage.reads.values().sum::<f64>() / orders_f),
            as_workflow: as_workflow(prices, &parts),
            parts,
            write_units: by_place(&usage.writes),
            read_units: by_place(&usage.reads),
            calls: calls.collect(),
            fill_1: None,
        }
    }

    /// Returns the bill as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the fields are numbers and texts")
    }
}

fn parts(prices: &Prices, usage: &Usage, orders: f64) -> Vec<Part> {
    let (million, assumed) = (&prices.usd_per_million, &prices.assumed);
    let calls = usage.all_calls();
    // A function with little memory has a part of a CPU.
    let requests_cpu_s = calls.requests as f64 * assumed.request_cpu_ms / 1_000.0;
    let cpu_s = (calls.time.as_secs_f64() + requests_cpu_s) * (assumed.vcpu_mb / assumed.memory_mb).max(1.0);
    let waiting_s = calls.requests as f64 * assumed.request_ms / 1_000.0;
    let gb_s = (cpu_s + waiting_s) * assumed.memory_mb / 1_024.0;
    let log_bytes = usage.log_bytes as f64
        + calls.count as f64 * assumed.lambda_log_bytes_per_call
        + usage.http_calls as f64 * assumed.access_log_bytes_per_http_call;
    let part = |name, quantity: f64, usd_each: f64| Part {
        name,
        per_order: quantity / orders,
        usd_per_million_orders: rounded(quantity / orders * usd_each * MILLION),
    };
    let per_million = |name, quantity: f64, usd: f64| part(name, quantity, usd / MILLION);
    vec![
        per_million("dynamodb_write_units", usage.writes.values().sum(), million.dynamodb_write_units),
        per_million("dynamodb_read_units", usage.reads.values().sum(), million.dynamodb_read_units),
        per_million(
            "dynamodb_stream_reads_by_lambda",
            calls_of(usage, "outbox-relay"),
            million.dynamodb_stream_reads_by_lambda,
        ),
        per_million("sns_requests", usage.sns_requests as f64, million.sns_requests),
        per_million("sns_deliveries_to_sqs", usage.sns_deliveries as f64, million.sns_deliveries_to_sqs),
        per_million("sqs_requests", usage.sqs_requests as f64, million.sqs_requests),
        per_million("lambda_requests", calls.count as f64, million.lambda_requests),
        per_million("lambda_gb_seconds", gb_s, million.lambda_gb_seconds),
        per_million("http_api_calls", usage.http_calls as f64, million.http_api_calls),
        part("logs_gb", log_bytes / GB, prices.usd_per_gb.logs_ingested),
    ]
}

fn calls_of(usage: &Usage, function: &str) -> f64 {
    usage.calls.get(function).map_or(0.0, |calls| calls.count as f64)
}

/// Prices the same order as a workflow: its steps are functions that write the same items, without outbox, topic and queues.
fn as_workflow(prices: &Prices, parts: &[Part]) -> BTreeMap<&'static str, f64> {
    const SHARED: [&str; 4] = ["dynamodb_write_units", "dynamodb_read_units", "http_api_calls", "logs_gb"];
    let shared = parts.iter().filter(|part| SHARED.contains(&part.name));
    let shared: f64 = shared.map(|part| part.usd_per_million_orders).sum();
    let (million, assumed) = (&prices.usd_per_million, &prices.assumed);
    // Each step waits for about two requests.
    let gb_s = |calls: f64| calls * 2.0 * assumed.request_ms / 1_000.0 * assumed.memory_mb / 1_024.0;
    let lambda = |calls: f64| calls * million.lambda_requests + gb_s(calls) * million.lambda_gb_seconds;
    // One call for the request, one for each step; a transition into each step, and one at the start and at the end.
    let step_functions = shared + lambda(1.0 + STEPS) + (STEPS + 2.0) * million.step_functions_transitions;
    // One call for the request, and one that runs all steps; an operation to start it, and one for each step.
    let written_gb_per_million = (STEPS + 1.0) * STEP_BYTES * MILLION / GB;
    let durable = shared
        + lambda(2.0)
        + (STEPS + 1.0) * million.durable_operations
        + written_gb_per_million * prices.usd_per_gb.durable_data_written;
    BTreeMap::from([
        ("step_functions_standard", rounded(step_functions)),
        ("lambda_durable_function", rounded(durable)),
    ])
}

/// Returns a quantity with three digits after the point, or with the digits of a byte in a GB.
fn printed(number: f64) -> String {
    if number > 0.0 && number < 0.000_5 { format!("{number:.9}") } else { format!("{number:.3}") }
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { region, as_of } = &self.prices;
        writeln!(f, "a confirmed order of one line, {} orders over {} products", self.orders, self.products)?;
        writeln!(f, "list prices of {region} as of {as_of}: check them before you rely on them")?;
        let quiet = self.fill_1.as_deref();
        writeln!(
            f,
            "\n{:<34}{:>12}{:>12}{:>12}{:>12}",
            "", "an order", "USD/million", "an order", "USD/million"
        )?;
        writeln!(f, "{:<34}{:>24}{:>24}", "", format!("batches of {}", self.batch_fill), "batches of 1")?;
        for part in &self.parts {
            let quantity = printed(part.per_order);
            write!(f, "{:<34}{quantity:>12}{:>12.2}", part.name, part.usd_per_million_orders)?;
            let other = quiet.and_then(|quiet| quiet.parts.iter().find(|other| other.name == part.name));
            if let Some(other) = other {
                let quantity = printed(other.per_order);
                write!(f, "{quantity:>12}{:>12.2}", other.usd_per_million_orders)?;
            }
            writeln!(f)?;
        }
        let quiet_sum = quiet.map_or(0.0, |quiet| quiet.usd_per_million_orders);
        writeln!(f, "{:<46}{:>12.2}{:>24.2}", "sum", self.usd_per_million_orders, quiet_sum)?;
        writeln!(f, "\n{:<34}{:>12}{:>24}", "write units by table and index", "an order", "an order")?;
        for (place, units) in &self.write_units {
            let other = quiet.and_then(|quiet| quiet.write_units.get(place)).copied().unwrap_or_default();
            writeln!(f, "{place:<34}{units:>12.3}{other:>24.3}")?;
        }
        writeln!(f, "\nthe same order as a workflow, without outbox, topic and queues, in USD/million")?;
        for (name, usd) in &self.as_workflow {
            writeln!(f, "{name:<46}{usd:>12.2}")?;
        }
        Ok(())
    }
}
