//! `/api/v1/analytics`.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use moka::future::Cache;
use orderflow_domain::{Currency, Timestamp};
use orderflow_http::{Problem, QueryParams};
use orderflow_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::bucket::Bucket;
use crate::reader::Reader;
use crate::series::{Point, Span};
use crate::summary::Summary;

/// How long an answer is given again. Requests for the same one share one look at the counters.
const CACHED: Duration = Duration::from_secs(1);
const CACHED_SERIES: u64 = 100;

#[derive(Clone)]
struct Analytics {
    reader: Reader,
    currency: Currency,
    summary: Cache<(), Summary>,
    series: Cache<Span, Series>,
}

/// The routes of analytics. Amounts are in `currency`.
pub fn router(store: &Store, currency: Currency) -> OpenApiRouter {
    let (summary, series) = (cache(1), cache(CACHED_SERIES));
    OpenApiRouter::new().routes(routes!(read_summary)).routes(routes!(read_series)).with_state(Analytics {
        reader: Reader::new(store),
        currency,
        summary,
        series,
    })
}

fn cache<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>(
    entries: u64,
) -> Cache<K, V> {
    Cache::builder().max_capacity(entries).time_to_live(CACHED).build()
}

/// What was ordered and sold so far
#[utoipa::path(
    get,
    path = "/api/v1/analytics/summary",
    tag = "analytics",
    operation_id = "readSummary",
    responses((status = 200, description = "Everything, in a few numbers", body = Summary))
)]
async fn read_summary(State(analytics): State<Analytics>) -> Result<Json<Summary>, Problem> {
    let Analytics { reader, currency, summary, .. } = &analytics;
    summary.try_get_with((), Summary::read(reader, currency)).await.map(Json).map_err(unavailable)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeriesQuery {
    #[param(inline)]
    bucket: Bucket,
    /// A time in the first bucket. Without it: an hour of minutes, a day of hours, thirty days.
    #[param(value_type = Timestamp, required = false, inline)]
    from: Option<Timestamp>,
    /// A time in the last bucket, at most 1,500 of them later. Without it: now.
    #[param(value_type = Timestamp, required = false, inline)]
    to: Option<Timestamp>,
}

/// How orders went over time.
#[derive(Clone, Serialize, ToSchema)]
struct Series {
    /// Oldest first.
    series: Vec<Point>,
}

/// How orders went over time
#[utoipa::path(
    get,
    path = "/api/v1/analytics/series",
    tag = "analytics",
    operation_id = "readSeries",
    params(SeriesQuery),
    responses((status = 200, description = "Every bucket, also those in which nothing happened", body = Series))
)]
async fn read_series(
    State(analytics): State<Analytics>,
    QueryParams(query): QueryParams<SeriesQuery>,
) -> Result<Json<Series>, Problem> {
    let Analytics { reader, currency, series, .. } = &analytics;
    let span = Span::new(query.bucket, query.from, query.to, Timestamp::now())
        .map_err(|error| Problem::invalid_field("from", error.to_string()))?;
    let read = async { span.read(reader, currency).await.map(|series| Series { series }) };
    series.try_get_with(span, read).await.map(Json).map_err(unavailable)
}

fn unavailable(error: Arc<StoreError>) -> Problem {
    Problem::unavailable(StoreError::clone(&error))
}
