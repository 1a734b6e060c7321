//! The bodies of `POST` and `PATCH`, and their validation.

use orderflow_domain::{ChargeRules, Currency, MAX_PRICE, Money, Sku};
use orderflow_http::{FieldErrors, Problem};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::writer::{MAX_STOCK, NewProduct, ProductPatch};

const MAX_NAME: usize = 200;

/// A new product.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductRequest, examples(json!({
    "sku": "MUG", "name": "Mug", "price": {"amount": 950, "currency": "USD"}, "stock": 20,
})))]
pub(crate) struct ProductBody {
    #[schema(value_type = Sku)]
    sku: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    price: PriceBody,
    /// The first stock: the units that can be ordered at first.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    stock: i64,
}

/// A change of a product. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductChange, examples(json!({"price": {"amount": 890, "currency": "USD"}})))]
pub(crate) struct PatchBody {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = PriceBody, required = false)]
    price: Option<PriceBody>,
}

/// The price of one unit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PriceRequest)]
struct PriceBody {
    /// The number of minor units (cents).
    #[schema(minimum = 0, maximum = 99_999_999)]
    amount: i64,
    /// The currency of the shop.
    #[schema(value_type = Currency)]
    currency: String,
}

/// What prices have to satisfy.
#[derive(Debug, Clone)]
pub(crate) struct PriceRules {
    /// The currency of the shop.
    pub currency: Currency,
    /// The rules of the payment provider.
    pub charge: ChargeRules,
}

/// Refuses null: a product always has a name and a price.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl ProductBody {
    /// Validates the body. A problem names every field that is not valid.
    pub(crate) fn parse(self, shop: &PriceRules) -> Result<NewProduct, Problem> {
        let mut errors = FieldErrors::default();
        let sku = errors.parse("sku", || Sku::parse(&self.sku));
        let price = self.price.parse(shop, &mut errors);
        let name = parse_name(self.name, &mut errors);
        if !(0..=MAX_STOCK).contains(&self.stock) {
            errors.push("stock", format!("must be 0 to {MAX_STOCK} units"));
        }
        let product = sku.zip(name).zip(price);
        let product = product.map(|((sku, name), price)| NewProduct { sku, name, price, stock: self.stock });
        errors.into_result(product)
    }
}

impl PatchBody {
    /// Validates the body. A problem names every field that is not valid.
    pub(crate) fn parse(self, shop: &PriceRules) -> Result<ProductPatch, Problem> {
        let mut errors = FieldErrors::default();
        let name = self.name.and_then(|name| parse_name(name, &mut errors));
        let price = self.price.and_then(|price| price.parse(shop, &mut errors));
        errors.into_result(Some(ProductPatch { name, price }))
    }
}

impl PriceBody {
    fn parse(self, shop: &PriceRules, errors: &mut FieldErrors) -> Option<Money> {
        let currency = errors.parse("price.currency", || Currency::parse(&self.currency));
        if currency.as_ref().is_some_and(|currency| *currency != shop.currency) {
            errors.push("price.currency", format!("must be {}, the currency of this shop", shop.currency));
        }
        if !(0..=MAX_PRICE).contains(&self.amount) {
            errors.push("price.amount", format!("must be 0 to {MAX_PRICE} minor units"));
        }
        let price = currency.map(|currency| Money { amount: self.amount, currency })?;
        if errors.is_empty()
            && let Err(error) = shop.charge.check_price(&price)
        {
            errors.push("price.amount", error.to_string());
        }
        Some(price)
    }
}

fn parse_name(name: String, errors: &mut FieldErrors) -> Option<String> {
    let length_allowed = (1..=MAX_NAME).contains(&name.chars().count());
    if length_allowed && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        return Some(name);
    }
    errors.push("name", format!("must be 1 to {MAX_NAME} characters without control characters"));
    None
}
