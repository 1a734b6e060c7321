//! The HTTP API that fills the cache of products, `/api/v1/admin/cache/warmup`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use orderflow_domain::Sku;
use orderflow_http::{FieldErrors, JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::reader::Catalog;

/// Returns the route that reads products into the cache of `catalog`: the products in `skus`, or all products when the request has no body, the
/// body null, or no `skus`.
pub fn warmup_router(catalog: Catalog) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(warm_up)).with_state(catalog)
}

/// The products to read into the cache.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WarmUpRequest, examples(json!({"skus": ["TSHIRT-BLK-M"]})))]
struct WarmUpBody {
    /// The skus of the products; all products when absent.
    #[schema(value_type = Option<Vec<Sku>>)]
    skus: Option<Vec<String>>,
}

/// The result of filling the cache.
#[derive(Serialize, ToSchema)]
struct WarmedUp {
    /// The number of products that are for sale, of those that were read.
    warmed: usize,
}

/// Read products into the cache
///
/// New orders take their prices from this cache.
#[utoipa::path(
    post,
    path = "/api/v1/admin/cache/warmup",
    tag = "admin",
    operation_id = "warmUpCache",
    request_body = Option<WarmUpBody>,
    responses((status = 200, description = "The number of products in the cache", body = WarmedUp))
)]
async fn warm_up(
    State(catalog): State<Catalog>,
    body: Option<JsonBody<Option<WarmUpBody>>>,
) -> Result<Json<WarmedUp>, Problem> {
    let skus = body.and_then(|JsonBody(body)| body?.skus).map(|skus| parse(&skus)).transpose()?;
    let warmed = match skus {
        Some(skus) => catalog.warm_up(&skus).await,
        None => catalog.warm_up_all().await,
    };
    Ok(Json(WarmedUp { warmed: warmed.map_err(Problem::unavailable)? }))
}

/// Parses the skus, and drops repeated ones.
fn parse(texts: &[String]) -> Result<Vec<Sku>, Problem> {
    let mut errors = FieldErrors::default();
    let parsed = texts.iter().enumerate();
    let parsed = parsed.filter_map(|(at, text)| errors.parse(format!("skus[{at}]"), || Sku::parse(text)));
    let skus: BTreeSet<Sku> = parsed.collect();
    errors.into_result(Some(skus.into_iter().collect()))
}
