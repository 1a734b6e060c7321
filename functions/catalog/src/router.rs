//! The HTTP API of products, `/api/v1/products`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderflow_domain::{ChargeRules, Currency, Money, Sku, Timestamp};
use orderflow_http::{
    ActedOn, EntityTag, IfMatch, IfNoneMatch, JsonBody, PageQuery, PathParam, Problem, ProblemKind,
    QueryParams, Trace,
};
use orderflow_store::{Cursor, CursorError, Store};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::{PatchBody, PriceRules, ProductBody};
use crate::reader::Catalog;
use crate::table::ProductRecord;
use crate::writer::{CatalogWriter, ChangeError, CreateError};

const LISTING: &str = "products";

#[derive(Clone)]
struct Products {
    catalog: Catalog,
    writer: CatalogWriter,
    prices: PriceRules,
}

/// Returns the routes of products. All prices are in `currency`, and accepted by the payment provider by its `charge_rules`.
/// The cache of `catalog` is updated with every change.
pub fn router(
    store: &Store,
    catalog: Catalog,
    currency: Currency,
    charge_rules: ChargeRules,
) -> OpenApiRouter {
    let writer = CatalogWriter::new(store, catalog.clone());
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, remove))
        .with_state(Products { catalog, writer, prices: PriceRules { currency, charge: charge_rules } })
}

/// A product that is for sale.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
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

/// Create a product
#[utoipa::path(
    post,
    path = "/api/v1/products",
    tag = "catalog",
    operation_id = "createProduct",
    params(Trace),
    request_body = ProductBody,
    responses(
        (status = 201, description = "The product can be ordered", body = ProductView,
            headers(
                ("location" = String, description = "The path of the product."),
                ("etag" = String, description = "The version of the product."),
            ))
    ),
    extensions(("x-problems" = json!([
        ProblemKind::AlreadyExists, ProblemKind::CurrencyNotAccepted, ProblemKind::AmountNotChargeable,
        ProblemKind::TextNotSuitable,
    ])))
)]
async fn create(
    State(products): State<Products>,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<ProductBody>,
) -> Result<impl IntoResponse, Problem> {
    let product = body.parse(&products.prices)?;
    let record =
        products.writer.create(product, Some(trace.to_string())).await.map_err(|error| match error {
            CreateError::Exists => {
                Problem::new(ProblemKind::AlreadyExists, "A product with this sku already exists.")
            }
            CreateError::Store(error) => Problem::unavailable(error),
        })?;
    tracing::info!(
        service = "shop-api",
        sku = %record.sku,
        event.r#type = "product.created",
        trace.id = trace.trace_id(),
        "product created"
    );
    let location = format!("/api/v1/products/{}", record.sku);
    let etag = EntityTag::of(record.version);
    let acted_on = ActedOn::part("sku", &record.sku);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], etag, acted_on, Json(ProductView::from(record))))
}

/// Read a product
#[utoipa::path(
    get,
    path = "/api/v1/products/{sku}",
    tag = "catalog",
    operation_id = "readProduct",
    params(("sku" = Sku, Path), IfNoneMatch),
    responses(
        (status = 200, description = "The product", body = ProductView, headers(("etag" = String, description = "The version of the product."))),
        (status = 304, description = "The product has not changed since the version that the client has", headers(("etag" = String, description = "The version of the product."))),
    )
)]
async fn read(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Problem> {
    let found = products.catalog.for_sale(&[sku]).await.map_err(Problem::unavailable)?;
    let record = found.into_iter().next().ok_or_else(Problem::not_found)?;
    let etag = EntityTag::of(record.version);
    if if_none_match.has(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok((etag, Json(ProductView::from(record))).into_response())
}

/// Change a product's name or price
///
/// Orders keep the name and price that they were placed with.
#[utoipa::path(
    patch,
    path = "/api/v1/products/{sku}",
    tag = "catalog",
    operation_id = "updateProduct",
    params(("sku" = Sku, Path), IfMatch, Trace),
    request_body = PatchBody,
    responses((status = 200, description = "The product as it is now", body = ProductView, headers(("etag" = String, description = "The version of the product.")))),
    extensions(("x-problems" = json!([
        ProblemKind::CurrencyNotAccepted, ProblemKind::AmountNotChargeable, ProblemKind::TextNotSuitable,
    ])))
)]
async fn update(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
    if_match: IfMatch,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<PatchBody>,
) -> Result<impl IntoResponse, Problem> {
    let patch = body.parse(&products.prices)?;
    let acted_on = match &patch.price {
        Some(price) => ActedOn::part("price", price),
        None => ActedOn::part("set", "name"),
    };
    let updated = products.writer.update(&sku, &patch, &if_match, &trace.to_string()).await;
    let record = updated.map_err(change_problem)?;
    Ok((EntityTag::of(record.version), acted_on, Json(ProductView::from(record))))
}

/// Remove a product
///
/// The product can no longer be ordered. A `POST` with its sku creates it again, with the stock that it has.
#[utoipa::path(
    delete,
    path = "/api/v1/products/{sku}",
    tag = "catalog",
    operation_id = "removeProduct",
    params(("sku" = Sku, Path), IfMatch, Trace),
    responses((status = 204, description = "The product can no longer be ordered"))
)]
async fn remove(
    State(products): State<Products>,
    PathParam(sku): PathParam<Sku>,
    if_match: IfMatch,
    Trace(trace): Trace,
) -> Result<StatusCode, Problem> {
    products.writer.remove(&sku, &if_match, &trace.to_string()).await.map_err(change_problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn change_problem(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown => Problem::not_found(),
        ChangeError::Refused(problem) => *problem,
        ChangeError::Contended | ChangeError::Store(_) => Problem::unavailable(error),
    }
}

/// A page of products.
#[derive(Serialize, ToSchema)]
struct ProductList {
    products: Vec<ProductView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List products
#[utoipa::path(
    get,
    path = "/api/v1/products",
    tag = "catalog",
    operation_id = "listProducts",
    params(PageQuery),
    responses((status = 200, description = "A page of products, in the order of their skus", body = ProductList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
async fn list(
    State(products): State<Products>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<ProductList>, Problem> {
    let position = |text: &str| {
        let sku = Cursor::decode(text, LISTING)?;
        Sku::parse(&sku).map_err(|_| CursorError)
    };
    let after = query.cursor.position(position)?;
    let limit = usize::from(query.limit.get());
    let (records, next) = products.catalog.list(after.as_ref(), limit).await.map_err(Problem::unavailable)?;
    let next_cursor = next.map(|sku| Cursor::new(LISTING, sku.as_str()).encode());
    Ok(Json(ProductList { products: records.into_iter().map(ProductView::from).collect(), next_cursor }))
}
