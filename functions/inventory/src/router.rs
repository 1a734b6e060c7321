//! The HTTP API of inventory, `/api/v1/inventory`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use orderflow_domain::Sku;
use orderflow_http::{
    ActedOn, EntityTag, IdempotencyKey, IfMatch, IfNoneMatch, JsonBody, PageQuery, PathParam, Problem,
    ProblemKind, QueryParams, Trace,
};
use orderflow_store::{Cursor, CursorError, Store};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::adjust::{AdjustError, Correction, Corrections, FirstStock};
use crate::levels::{Level, Levels, Totals};

const LISTING: &str = "inventory";

#[derive(Clone)]
struct Inventory {
    levels: Levels,
    corrections: Corrections,
}

/// Returns the routes of inventory.
pub fn router(store: &Store, first_stock: Arc<dyn FirstStock>) -> OpenApiRouter {
    let corrections = Corrections::new(store, first_stock);
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, correct))
        .with_state(Inventory { levels: Levels::new(store), corrections })
}

/// A page of stock levels.
#[derive(Serialize, ToSchema)]
struct LevelList {
    inventory: Vec<Level>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// The sums of all levels; null if the shop has more than 5,000.
    #[schema(required = true)]
    totals: Option<Totals>,
}

/// List stock levels
#[utoipa::path(
    get,
    path = "/api/v1/inventory",
    tag = "inventory",
    operation_id = "listLevels",
    params(PageQuery),
    responses((status = 200, description = "A page of levels in the order of their skus, and the totals of all levels", body = LevelList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
async fn list(
    State(inventory): State<Inventory>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<LevelList>, Problem> {
    let position = |text: &str| {
        let sku = Cursor::decode(text, LISTING)?;
        Sku::parse(&sku).map_err(|_| CursorError)
    };
    let after = query.cursor.position(position)?;
    let limit = usize::from(query.limit.get());
    let (levels, next) = inventory.levels.list(after.as_ref(), limit).await.map_err(Problem::unavailable)?;
    let totals = inventory.levels.totals().await.map_err(Problem::unavailable)?;
    let next_cursor = next.map(|sku| Cursor::new(LISTING, sku.as_str()).encode());
    Ok(Json(LevelList { inventory: levels, next_cursor, totals }))
}

/// Read the stock level of a product
#[utoipa::path(
    get,
    path = "/api/v1/inventory/{sku}",
    tag = "inventory",
    operation_id = "readLevel",
    params(("sku" = Sku, Path), IfNoneMatch),
    responses(
        (status = 200, description = "The level", body = Level, headers(("etag" = String, description = "The version of the level."))),
        (status = 304, description = "The level has not changed since the version that the client has", headers(("etag" = String, description = "The version of the level."))),
    )
)]
async fn read(
    State(inventory): State<Inventory>,
    PathParam(sku): PathParam<Sku>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Problem> {
    let level = inventory.corrections.level(&sku).await.map_err(Problem::unavailable)?;
    let level = level.ok_or_else(Problem::not_found)?;
    let etag = level.entity_tag();
    if if_none_match.has(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok((etag, Json(level)).into_response())
}

/// Correct the stock level of a product
///
/// `adjust` adds units that can be ordered, or removes them when it is negative; `set` sets their number. Units that are reserved for orders
/// stay reserved.
#[utoipa::path(
    post,
    path = "/api/v1/inventory/{sku}",
    tag = "inventory",
    operation_id = "correctLevel",
    params(("sku" = Sku, Path), IdempotencyKey, IfMatch, Trace),
    request_body(content = Correction, examples(
        ("adjust" = (value = json!({"adjust": -3}))),
        ("set" = (value = json!({"set": 100}))),
    )),
    responses((status = 200, description = "The level as it is now", body = Level, headers(("etag" = String, description = "The version of the level.")))),
    extensions(("x-problems" = json!([ProblemKind::InsufficientStock, ProblemKind::IdempotencyKeyReused])))
)]
async fn correct(
    State(inventory): State<Inventory>,
    PathParam(sku): PathParam<Sku>,
    key: Option<IdempotencyKey>,
    if_match: IfMatch,
    Trace(trace): Trace,
    JsonBody(correction): JsonBody<Correction>,
) -> Result<(EntityTag, Extension<ActedOn>, Json<Level>), Problem> {
    check(correction)?;
    let acted_on = match correction {
        Correction::Adjust(units) => ActedOn::part("adjust", units),
        Correction::Set(units) => ActedOn::part("set", units),
    };
    let key = key.as_ref().map(IdempotencyKey::as_str);
    let level = inventory.corrections.correct(&sku, correction, key, &if_match, &trace.to_string()).await;
    level.map(|level| (level.entity_tag(), acted_on, Json(level))).map_err(|error| match error {
        AdjustError::Unknown => Problem::not_found(),
        AdjustError::Refused(problem) => *problem,
        AdjustError::Insufficient => {
            Problem::new(ProblemKind::InsufficientStock, "The correction would make the level negative.")
        }
        AdjustError::KeyReused => Problem::new(
            ProblemKind::IdempotencyKeyReused,
            "The Idempotency-Key was used for another correction of this sku.",
        ),
        AdjustError::Contended | AdjustError::Store(_) => Problem::unavailable(error),
    })
}

fn check(correction: Correction) -> Result<(), Problem> {
    let (field, units) = match correction {
        Correction::Adjust(units) => ("adjust", units),
        Correction::Set(units) => ("set", units),
    };
    let allowed = correction.allowed();
    if allowed.contains(&units) {
        return Ok(());
    }
    let message = format!("must be {} to {} units", allowed.start(), allowed.end());
    Err(Problem::invalid_field(field, message))
}
