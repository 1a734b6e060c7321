//! `/api/v1/products`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use orderflow_domain::{Currency, Money, Sku, Timestamp};
use orderflow_http::{JsonBody, Limit, PathParam, Problem, ProblemKind, QueryParams, Trace};
use orderflow_store::{Cursor, Store};
use serde::{Deserialize, Serialize};

use crate::body::{PatchBody, ProductBody};
use crate::reader::Catalog;
use crate::table::ProductRecord;
use crate::writer::{CatalogWriter, ChangeError, CreateError};

const LISTING: &str = "products";

#[derive(Clone)]
struct Products {
    catalog: Catalog,
    writer: CatalogWriter,
    currency: Currency,
}

/// The routes of products. All prices are in `currency`, the shop's. `catalog` sees at once what is changed through them.
pub fn router(store: &Store, catalog: Catalog, currency: Currency) -> Router {
    let writer = CatalogWriter::new(store, catalog.clone());
    Router::new()
        .route("/api/v1/products", get(list).post(create))
        .route("/api/v1/products/{sku}", get(read).patch(update).delete(remove))
        .with_state(Products { catalog, writer, currency })
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
        products.writer.create(product, Some(trace.to_string())).await.map_err(|error| match error {
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
    let found = products.catalog.sold(&[sku]).await.map_err(Problem::unavailable)?;
    found.into_iter().next().map(|record| Json(record.into())).ok_or_else(Problem::not_found)
}

async fn update(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<PatchBody>,
) -> Result<Json<ProductView>, Problem> {
    let patch = body.parse(&products.currency)?;
    let record = products.writer.update(&sku, &patch, &trace.to_string()).await.map_err(not_changed)?;
    Ok(Json(record.into()))
}

async fn remove(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
    Trace(trace): Trace,
) -> Result<StatusCode, Problem> {
    products.writer.remove(&sku, &trace.to_string()).await.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_changed(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown => Problem::not_found(),
        ChangeError::Contended | ChangeError::Store(_) => Problem::unavailable(error),
    }
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
    let (records, next) =
        products.catalog.list(after.as_deref(), limit).await.map_err(Problem::unavailable)?;
    let next_cursor = next.map(|sku| Cursor::new(LISTING, sku).encode());
    Ok(Json(ProductList { products: records.into_iter().map(ProductView::from).collect(), next_cursor }))
}
