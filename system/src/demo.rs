//! The products of a new shop.

use orderflow_bridge::RUNTIME;
use orderflow_catalog::{Catalog, CatalogWriter, NewProduct};
use orderflow_domain::{ChargeRules, Currency, Money, Sku};
use orderflow_store::{Store, Write};
use serde::{Deserialize, Serialize};

/// SKU, name, price in minor units, initial stock.
pub const DEMO_PRODUCTS: [(&str, &str, i64, i64); 5] = [
    ("TSHIRT-BLK-M", "T-shirt black, M", 1_999, 100),
    ("TSHIRT-GRY-S", "T-shirt grey, S", 1_999, 10),
    ("PRODUCT-001", "Laptop", 129_900, 100),
    ("PRODUCT-002", "Mouse", 2_500, 500),
    ("PRODUCT-003", "Keyboard", 7_500, 300),
];

const MARKER_PK: &str = "demo";
const MARKER_SK: &str = "products";

/// Records, in the table `runtime`, that adding the demo products has begun, so that a later start adds the rest if it was cut off.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    pk: String,
    sk: String,
    added: bool,
}

/// Adds the demo products if the catalog is empty, or an earlier start has begun to add them and did not end. A product that was removed
/// stays removed. Where the payment provider cannot charge a price, the product has the closest one that it can.
pub(crate) async fn add_products(
    store: &Store,
    catalog: &Catalog,
    currency: &Currency,
    charge_rules: &ChargeRules,
) -> anyhow::Result<()> {
    let catalog = CatalogWriter::new(store, catalog.clone());
    let runtime = store.table(&RUNTIME);
    let marker: Option<Marker> = runtime.get(runtime.key_with_range(MARKER_PK, MARKER_SK)).await?;
    match marker {
        Some(Marker { added: true, .. }) => return Ok(()),
        Some(Marker { added: false, .. }) => {}
        None if catalog.is_empty().await? => mark(store, false).await?,
        None => return Ok(()),
    }
    for (sku, name, amount, stock) in DEMO_PRODUCTS {
        let price = charge_rules.closest(Money { amount, currency: currency.clone() })?;
        let product = NewProduct { sku: Sku::parse(sku)?, name: name.to_owned(), price, stock };
        catalog.create_if_absent(product).await?;
    }
    mark(store, true).await
}

async fn mark(store: &Store, added: bool) -> anyhow::Result<()> {
    let marker = Marker { pk: MARKER_PK.to_owned(), sk: MARKER_SK.to_owned(), added };
    Ok(store.write(Write::put(&store.table(&RUNTIME), &marker)?).await?)
}
