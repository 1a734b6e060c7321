//! `/api/v1/products`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use orderflow_domain::{Currency, MAX_PRICE, Money, Sku, Timestamp};
use orderflow_http::{FieldErrors, JsonBody, Limit, PathParam, Problem, ProblemKind, QueryParams, Trace};
use orderflow_store::{Cursor, Store};
use serde::{Deserialize, Serialize};

use crate::table::ProductRecord;
use crate::writer::{CatalogWriter, CreateError, MAX_STOCK, NewProduct};

const LISTING: &str = "products";
const MAX_NAME: usize = 200;

#[derive(Clone)]
struct Products {
    catalog: CatalogWriter,
    currency: Currency,
}

/// The routes of the catalog. All prices are in `currency`, the shop's.
pub fn router(store: &Store, currency: Currency) -> Router {
    Router::new()
        .route("/api/v1/products", get(list).post(create))
        .route("/api/v1/products/{sku}", get(read))
        .with_state(Products { catalog: CatalogWriter::new(store), currency })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductBody {
    sku: String,
    name: String,
    price: PriceBody,
    #[serde(default)]
    stock: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceBody {
    amount: i64,
    currency: String,
}

impl ProductBody {
    fn parse(self, shop_currency: &Currency) -> Result<NewProduct, Problem> {
        let mut errors = FieldErrors::default();
        let sku = errors.parse("sku", || Sku::parse(&self.sku));
        let currency = errors.parse("price.currency", || Currency::parse(&self.price.currency));
        if currency.as_ref().is_some_and(|currency| currency != shop_currency) {
            errors.push("price.currency", format!("must be {shop_currency}, the currency of this shop"));
        }
        if !(0..=MAX_PRICE).contains(&self.price.amount) {
            errors.push("price.amount", format!("must be 0 to {MAX_PRICE} minor units"));
        }
        let length = self.name.chars().count();
        if !(1..=MAX_NAME).contains(&length)
            || self.name.trim().is_empty()
            || self.name.chars().any(char::is_control)
        {
            errors.push("name", format!("must be 1 to {MAX_NAME} characters without control characters"));
        }
        if !(0..=MAX_STOCK).contains(&self.stock) {
            errors.push("stock", format!("must be 0 to {MAX_STOCK} units"));
        }
        let product = sku.zip(currency).map(|(sku, currency)| NewProduct {
            sku,
            name: self.name,
            price: Money { amount: self.price.amount, currency },
            stock: self.stock,
        });
        errors.into_result(product)
    }
}

#[derive(Serialize)]
struct ProductView {
    sku: Sku,
    name: String,
    price: Money,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ProductRecord> for ProductView {
    fn from(record: ProductRecord) -> Self {
        let ProductRecord { sku, name, price, created_at, updated_at, .. } = record;
        Self { sku, name, price, created_at, updated_at }
    }
}

async fn create(
    State(products): State<Products>,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<ProductBody>,
) -> Result<impl IntoResponse, Problem> {
    let product = body.parse(&products.currency)?;
    let record =
        products.catalog.create(product, Some(trace.to_string())).await.map_err(|error| match error {
            CreateError::Exists => {
                Problem::new(ProblemKind::AlreadyExists, "A product with this sku exists already.")
            }
            CreateError::Store(error) => Problem::unavailable(error),
        })?;
    tracing::info!(
        service = "shop-api",
        sku = %record.sku,
        event.r#type = "product.created",
        trace.id = trace.trace_id(),
        "the product is created"
    );
    let location = format!("/api/v1/products/{}", record.sku);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ProductView::from(record))))
}

async fn read(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
) -> Result<Json<ProductView>, Problem> {
    let record = products.catalog.get(&sku).await.map_err(Problem::unavailable)?;
    record.map(|record| Json(record.into())).ok_or_else(Problem::not_found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ProductList {
    products: Vec<ProductView>,
    next_cursor: Option<String>,
}

async fn list(
    State(products): State<Products>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<ProductList>, Problem> {
    let after = query.cursor.map(|text| Cursor::decode(&text, LISTING)).transpose();
    let after = after.map_err(|error| Problem::invalid_field("cursor", error.to_string()))?;
    let limit = usize::from(query.limit.get());
    let (records, more) =
        products.catalog.list(after.as_deref(), limit).await.map_err(Problem::unavailable)?;
    let last = records.last().filter(|_| more);
    let next_cursor = last.map(|record| Cursor::new(LISTING, record.sku.as_str()).encode());
    Ok(Json(ProductList { products: records.into_iter().map(ProductView::from).collect(), next_cursor }))
}
