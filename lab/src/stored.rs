//! Fills a store with orders, directly through the store: a shop that has been open for years.
//!
//! One order is placed and completed as in a shop. Its items, in every table, are then written again under other ids, times, customers and
//! skus. So stored orders look as this version stores them, whatever that is.

use std::path::Path;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use indicatif::ProgressBar;
use orderflow_domain::Timestamp;
use orderflow_engine::Location;
use orderflow_store::{OUTBOX, Store, TableDefinition, Write};
use orderflow_system::{Settings, System, TABLES};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::BenchError;

/// How many orders are written at once. Between two batches the streams are relayed, so that they stay short.
const BATCH: u64 = 500;

/// The customers and skus over which the orders are spread.
const CUSTOMERS: u64 = 10_000;
const SKUS: u64 = 50;

/// The shards of an index value, as in `confirmed#7`.
const SHARDS: u64 = 16;

/// The customer and the sku of the order that is copied.
const CUSTOMER: &str = "BENCHSTORED";
const SKU: &str = "BENCH-STORED-00";

/// An item of the order that is copied.
struct Template {
    table: &'static TableDefinition,
    text: String,
}

/// The order that is copied.
struct Original {
    id: String,
    created_at: String,
    items: Vec<Template>,
}

/// Writes this many orders into the store in a folder, which is created. Ends early if `stop` becomes true.
///
/// # Errors
/// [`BenchError::Flag`] if the store cannot be written.
pub(crate) async fn fill(
    folder: &Path,
    orders: u64,
    progress: &ProgressBar,
    stop: &watch::Receiver<bool>,
) -> Result<(), BenchError> {
    let failed = |error: &dyn std::fmt::Display| {
        BenchError::flag("--stored", format!("the store cannot be filled: {error:#}"))
    };
    let settings = Settings::new(Location::Directory(folder.to_path_buf()));
    let mut system = System::open(settings).await.map_err(|error| failed(&error))?;
    let original = Original::place(&mut system).await.map_err(|error| failed(&error))?;
    let newest = Timestamp::now().as_millis();
    for first in (0..orders).step_by(BATCH as usize) {
        if *stop.borrow() {
            break;
        }
        let numbers = first..orders.min(first + BATCH);
        let count = numbers.end - numbers.start;
        let copies = numbers
            .flat_map(|number| original.copies(number, newest - i64::try_from(orders - number).unwrap_or(0)));
        let writes: Result<Vec<Write>, _> =
            copies.map(|(table, copy)| Write::put(&system.store().table(table), &copy)).collect();
        for written in system.store().write_each(writes.map_err(|error| failed(&error))?).await {
            written.map_err(|error| failed(&error))?;
        }
        while system.step(Timestamp::now()).await.map_err(|error| failed(&error))? > 0 {}
        progress.inc(count);
    }
    Ok(())
}

impl Original {
    /// Places an order and completes it.
    async fn place(system: &mut System) -> Result<Self, FillError> {
        let price = json!({"amount": 1_999, "currency": "USD"});
        let product = json!({"sku": SKU, "name": "Stored order", "price": price, "stock": 1});
        send(system, "/api/v1/products", &product, StatusCode::CREATED).await?;
        let order = json!({
            "customer_id": CUSTOMER,
            "email": format!("{}@example.com", CUSTOMER.to_lowercase()),
            "items": [{"sku": SKU, "quantity": 1}],
        });
        let placed = send(system, "/api/v1/orders", &order, StatusCode::ACCEPTED).await?;
        let text = |name: &str| placed[name].as_str().unwrap_or_default().to_owned();
        let (id, created_at) = (text("id"), text("created_at"));
        system.run_until_idle().await.map_err(|error| FillError(format!("{error:#}")))?;
        let items = items_about(system.store(), &id).await?;
        Ok(Self { id, created_at, items })
    }

    /// Returns the items of a copy of the order that was placed at this time.
    fn copies(
        &self,
        number: u64,
        millis: i64,
    ) -> impl Iterator<Item = (&'static TableDefinition, Map<String, Value>)> {
        let id = order_id(number, millis);
        let created_at = Timestamp::from_millis(millis).to_string();
        let customer = format!("C{}", number % CUSTOMERS);
        let sku = format!("BENCH-STORED-{:02}", number % SKUS);
        self.items.iter().map(move |item| {
            let text =
                item.text.replace(&self.id, &id).replace(&self.created_at, &created_at).replace(SKU, &sku);
            let text = text.replace(CUSTOMER, &customer);
            let text = text.replace(&CUSTOMER.to_lowercase(), &customer.to_lowercase());
            let mut copy: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
            for (name, value) in &mut copy {
                if name.ends_with("_partition") {
                    spread(value, number);
                }
            }
            (item.table, copy)
        })
    }
}

/// Moves an index value to the shard of an order.
fn spread(partition: &mut Value, number: u64) {
    if let Some((value, _shard)) = partition.as_str().and_then(|text| text.rsplit_once('#')) {
        *partition = format!("{value}#{}", number % SHARDS).into();
    }
}

/// Returns an id such as new orders get: a UUID of version 7, which begins with the time.
fn order_id(number: u64, millis: i64) -> String {
    let time = u64::try_from(millis).unwrap_or(0) & 0xffff_ffff_ffff;
    let (high, low) = (time >> 16, time & 0xffff);
    let mut random = fastrand::Rng::with_seed(number);
    let (third, fourth) = (random.u64(..0x1000), 0x8000 | random.u64(..0x4000));
    format!("{high:08x}-{low:04x}-7{third:03x}-{fourth:04x}-{:012x}", random.u64(..1 << 48))
}

/// Returns the items of all tables that have the id of an order in their keys, without the events of their last writes. Others only mention
/// it, such as the log of orders that are counted together.
async fn items_about(store: &Store, id: &str) -> Result<Vec<Template>, FillError> {
    let mut found = Vec::new();
    for &definition in TABLES {
        let table = store.table(definition);
        let mut from = None;
        loop {
            let (items, next) = table.scan(from).await.map_err(FillError::of)?;
            for item in items {
                let mut item: Map<String, Value> = table.parse(item).map_err(FillError::of)?;
                item.remove(OUTBOX);
                let keys = [Some(definition.hash), definition.range].into_iter().flatten();
                let is_about =
                    |key| item.get(key).and_then(Value::as_str).is_some_and(|text| text.contains(id));
                if keys.into_iter().any(is_about) {
                    found.push(Template { table: definition, text: Value::Object(item).to_string() });
                }
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Why the order that is copied cannot be placed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct FillError(String);

impl FillError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Sends a request to the routes of a system in this process.
async fn send(system: &System, path: &str, body: &Value, expected: StatusCode) -> Result<Value, FillError> {
    let request =
        Request::post(path).header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string()));
    let response = system.router().oneshot(request.map_err(FillError::of)?).await;
    let Ok(response) = response;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(FillError::of)?.to_bytes();
    if status != expected {
        return Err(FillError(format!("POST {path}: {status}: {}", String::from_utf8_lossy(&body))));
    }
    serde_json::from_slice(&body).map_err(FillError::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_filled_store_is_that_of_a_shop_with_these_orders() {
        let folder = tempfile::tempdir().unwrap();
        let (_keep, stop) = watch::channel(false);
        fill(folder.path(), 620, &ProgressBar::hidden(), &stop).await.unwrap();
        let system =
            System::open(Settings::new(Location::Directory(folder.path().to_path_buf()))).await.unwrap();
        let read = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = system.router().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = read(&format!("/api/v1/orders?limit=100&status=confirmed{cursor}")).await;
            found.extend(page["orders"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found.len(), 621, "the copies and the order that was copied");
        let stored = &found[300];
        let id = stored["id"].as_str().unwrap();
        assert!(stored["customer_id"].as_str().unwrap().starts_with('C'), "{stored}");
        let customer = stored["customer_id"].as_str().unwrap();
        assert_eq!(read(&format!("/api/v1/orders?customer_id={customer}")).await["orders"][0]["id"], id);
        for list in ["notifications", "payments"] {
            let found = read(&format!("/api/v1/{list}?order_id={id}")).await;
            assert_eq!(found[list].as_array().map(Vec::len), Some(1), "{found}");
        }
        assert!(read("/health").await["outbox"]["pending"].as_i64().unwrap_or(0) == 0);
    }

    #[test]
    fn ids_are_of_version_7_and_differ() {
        let (one, other) = (order_id(1, 1_795_668_769_407), order_id(2, 1_795_668_769_407));
        assert!(one.starts_with("01a21632-fa7f-7") && one.len() == 36 && one != other, "{one} {other}");
        assert!(['8', '9', 'a', 'b'].contains(&one.chars().nth(19).unwrap()), "{one}");
    }
}
