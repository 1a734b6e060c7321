//! `/api/v1/admin/cache/warmup`.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use orderflow_domain::Sku;
use orderflow_http::{FieldErrors, JsonBody, Problem};
use serde::{Deserialize, Serialize};

use crate::reader::Catalog;

/// `POST /api/v1/admin/cache/warmup`: reads the products of `skus`, or all where no body or no `skus` is sent, into the cache of `catalog`.
/// Answers `{"warmed": n}`: how many of them are sold.
pub fn warmup_router(catalog: Catalog) -> Router {
    Router::new().route("/api/v1/admin/cache/warmup", post(warm_up)).with_state(catalog)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarmUpBody {
    skus: Option<Vec<String>>,
}

#[derive(Serialize)]
struct WarmedUp {
    warmed: usize,
}

async fn warm_up(
    State(catalog): State<Catalog>,
    body: Option<JsonBody<WarmUpBody>>,
) -> Result<Json<WarmedUp>, Problem> {
    let skus = body.and_then(|JsonBody(body)| body.skus).map(|skus| parse(&skus)).transpose()?;
    let warmed = match skus {
        Some(skus) => catalog.warm_up(&skus).await,
        None => catalog.warm_up_all().await,
    };
    Ok(Json(WarmedUp { warmed: warmed.map_err(Problem::unavailable)? }))
}

/// The skus, each once.
fn parse(texts: &[String]) -> Result<Vec<Sku>, Problem> {
    let mut errors = FieldErrors::default();
    let parsed = texts.iter().enumerate();
    let parsed = parsed.filter_map(|(at, text)| errors.parse(format!("skus[{at}]"), || Sku::parse(text)));
    let skus: BTreeSet<Sku> = parsed.collect();
    errors.into_result(Some(skus.into_iter().collect()))
}
