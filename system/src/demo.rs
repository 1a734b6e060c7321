//! The products of a new shop.

use orderflow_catalog::{Catalog, CatalogWriter, NewProduct};
use orderflow_domain::{Currency, Money, Sku};
use orderflow_store::Store;

/// SKU, name, price in minor units, initial stock.
pub const DEMO_PRODUCTS: [(&str, &str, i64, i64); 5] = [
    ("TSHIRT-BLK-M", "T-shirt black, M", 1_999, 100),
    ("TSHIRT-GRY-S", "T-shirt grey, S", 1_999, 10),
    ("PRODUCT-001", "Laptop", 129_900, 100),
    ("PRODUCT-002", "Mouse", 2_500, 500),
    ("PRODUCT-003", "Keyboard", 7_500, 300),
];

/// Adds the demo products if the catalog is empty.
pub(crate) async fn add_products(
    store: &Store,
    catalog: &Catalog,
    currency: &Currency,
) -> anyhow::Result<()> {
    let catalog = CatalogWriter::new(store, catalog.clone());
    if !catalog.is_empty().await? {
        return Ok(());
    }
    for (sku, name, amount, stock) in DEMO_PRODUCTS {
        let price = Money { amount, currency: currency.clone() };
        let product = NewProduct { sku: Sku::parse(sku)?, name: name.to_owned(), price, stock };
        catalog.create_if_absent(product).await?;
    }
    Ok(())
}
