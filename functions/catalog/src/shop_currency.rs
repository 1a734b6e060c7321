//! The currency of the shop, which is kept with its prices: amounts in two currencies must never be added.

use orderflow_domain::Currency;
use orderflow_settings::declared::CURRENCY;
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::reader::Catalog;
use crate::settings::CatalogSettings;
use crate::table::CATALOG;

/// The key of the item of the shop, which is no sku.
pub const SHOP_ITEM: &str = "#shop";

#[derive(Debug, Serialize, Deserialize)]
struct ShopRow {
    sku: String,
    currency: Currency,
}

/// Why a shop cannot start with a currency.
#[derive(Debug, thiserror::Error)]
pub enum ShopCurrencyError {
    /// The shop has another currency.
    #[error(
        "this shop sells in {stored} since its first start, so it cannot start in {wanted}: set {} to {stored}, or start with other data",
        CURRENCY.variable
    )]
    Another {
        /// The currency of the shop.
        stored: Currency,
        /// The currency of this start.
        wanted: Currency,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores the currency of a shop at its first start. A shop of an earlier version has the currency of its products.
///
/// # Errors
/// [`ShopCurrencyError`] if the shop has another currency, or the store does not answer.
pub async fn claim_currency(store: &Store, currency: &Currency) -> Result<(), ShopCurrencyError> {
    let table = store.table(&CATALOG);
    if let Some(stored) = stored(&table).await? {
        return same(stored, currency);
    }
    if let Some(sold_in) = currency_of_products(store).await? {
        same(sold_in, currency)?;
    }
    let row = ShopRow { sku: SHOP_ITEM.to_owned(), currency: currency.clone() };
    match store.write(Write::put(&table, &row)?.if_absent()).await {
        Ok(()) => Ok(()),
        Err(WriteError::Store(error)) => Err(error.into()),
        // Another process wrote it at this moment.
        Err(WriteError::ConditionFailed(_)) => {
            self::stored(&table).await?.map_or(Ok(()), |stored| same(stored, currency))
        }
    }
}

/// Refuses another currency than the stored one. Stores nothing.
///
/// # Errors
/// As [`claim_currency`].
pub async fn check_currency(store: &Store, currency: &Currency) -> Result<(), ShopCurrencyError> {
    stored(&store.table(&CATALOG)).await?.map_or(Ok(()), |stored| same(stored, currency))
}

fn same(stored: Currency, wanted: &Currency) -> Result<(), ShopCurrencyError> {
    if stored == *wanted {
        Ok(())
    } else {
        Err(ShopCurrencyError::Another { stored, wanted: wanted.clone() })
    }
}

async fn stored(table: &Table) -> Result<Option<Currency>, StoreError> {
    let row: Option<ShopRow> = table.get(table.key(SHOP_ITEM)).await?;
    Ok(row.map(|row| row.currency))
}

async fn currency_of_products(store: &Store) -> Result<Option<Currency>, StoreError> {
    let (products, _) = Catalog::new(store, &CatalogSettings::default()).list(None, 1).await?;
    Ok(products.into_iter().next().map(|product| product.price.currency))
}
