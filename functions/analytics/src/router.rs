//! `/api/v1/analytics`.

use axum::Json;
use axum::extract::State;
use orderflow_domain::{Currency, Timestamp};
use orderflow_http::{Problem, QueryParams};
use orderflow_store::Store;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer_cache::AnswerCache;
use crate::bucket::Bucket;
use crate::reader::Reader;
use crate::series::{Point, Span};
use crate::summary::Summary;

const CACHED_SERIES: u64 = 100;

#[derive(Clone)]
struct Analytics {
    reader: Reader,
    currency: Currency,
    summary: AnswerCache<(), Summary>,
    series: AnswerCache<Span, Series>,
}

/// The routes of analytics. Amounts are in `currency`.
pub fn router(store: &Store, currency: Currency) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read_summary)).routes(routes!(read_series)).with_state(Analytics {
        reader: Reader::new(store),
        currency,
        summary: AnswerCache::new(1),
        series: AnswerCache::new(CACHED_SERIES),
    })
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
    summary.get_or_read((), Summary::read(reader, currency)).await.map(Json).map_err(Problem::unavailable)
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
    series.get_or_read(span, read).await.map(Json).map_err(Problem::unavailable)
}
