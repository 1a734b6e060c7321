//! The bodies of `POST` and `PATCH`, and their validation.

use orderflow_domain::text::check_line;
use orderflow_domain::{ChargeRules, Currency, MAX_PRICE, Money, NotChargeable, Sku, is_text, text_schema};
use orderflow_http::{FieldErrors, Problem, ProblemKind};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use crate::writer::{MAX_STOCK, NewProduct, ProductPatch};

/// The most characters of a product's name.
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
    #[schema(schema_with = name_schema)]
    name: String,
    price: PriceBody,
    #[serde(default)]
    #[schema(schema_with = stock_schema)]
    stock: i64,
}

/// A change of a product. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductChange, examples(json!({"price": {"amount": 890, "currency": "USD"}})))]
pub(crate) struct PatchBody {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(schema_with = name_schema, required = false)]
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
    #[schema(schema_with = amount_schema)]
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
        let price = self.price.parse(&mut errors);
        let name = parse_name(self.name, &mut errors);
        if !(0..=MAX_STOCK).contains(&self.stock) {
            errors.push("stock", format!("must be 0 to {MAX_STOCK} units"));
        }
        let product = sku.zip(name).zip(price);
        let product = product.map(|((sku, name), price)| NewProduct { sku, name, price, stock: self.stock });
        let product = errors.into_result(product)?;
        check_name(&product.name)?;
        shop.check(&product.price)?;
        Ok(product)
    }
}

impl PatchBody {
    /// Validates the body. A problem names every field that is not valid.
    pub(crate) fn parse(self, shop: &PriceRules) -> Result<ProductPatch, Problem> {
        let mut errors = FieldErrors::default();
        let name = self.name.and_then(|name| parse_name(name, &mut errors));
        let price = self.price.and_then(|price| price.parse(&mut errors));
        let patch = errors.into_result(Some(ProductPatch { name, price }))?;
        patch.name.as_deref().map_or(Ok(()), check_name)?;
        patch.price.as_ref().map_or(Ok(()), |price| shop.check(price))?;
        Ok(patch)
    }
}

impl PriceBody {
    fn parse(self, errors: &mut FieldErrors) -> Option<Money> {
        let currency = errors.parse("price.currency", || Currency::of_three_letters(&self.currency));
        if !(0..=MAX_PRICE).contains(&self.amount) {
            errors.push("price.amount", format!("must be 0 to {MAX_PRICE} minor units"));
        }
        currency.map(|currency| Money { amount: self.amount, currency })
    }
}

impl PriceRules {
    /// Refuses a price that no order could be charged at.
    fn check(&self, price: &Money) -> Result<(), Problem> {
        if price.currency != self.currency {
            let message = format!("must be {}, the currency of this shop", self.currency);
            return Err(Problem::refused_field(ProblemKind::CurrencyNotAccepted, "price.currency", message));
        }
        let refused = |error: NotChargeable| {
            Problem::refused_field(ProblemKind::AmountNotChargeable, "price.amount", error.to_string())
        };
        self.charge.check_price(price).map_err(refused)
    }
}

fn name_schema() -> ObjectBuilder {
    text_schema(MAX_NAME)
}

fn amount_schema() -> ObjectBuilder {
    whole_number(0, MAX_PRICE).description(Some("The number of minor units (cents)."))
}

fn stock_schema() -> ObjectBuilder {
    let description = "The first stock: the units that can be ordered at first.";
    whole_number(0, MAX_STOCK).description(Some(description))
}

fn whole_number(minimum: i64, maximum: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(minimum))
        .maximum(Some(maximum))
}

fn parse_name(name: String, errors: &mut FieldErrors) -> Option<String> {
    if is_text(&name, MAX_NAME) {
        return Some(name);
    }
    errors.push("name", format!("must be 1 to {MAX_NAME} characters without control characters"));
    None
}

/// Refuses a name that people cannot see. Orders of earlier versions have lines with such names.
fn check_name(name: &str) -> Result<(), Problem> {
    check_line(name)
        .map_err(|error| Problem::refused_field(ProblemKind::TextNotSuitable, "name", error.to_string()))
}
