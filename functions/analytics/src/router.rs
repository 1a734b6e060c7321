//! `/api/v1/analytics`.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use moka::sync::Cache;
use orderflow_domain::{Currency, Timestamp};
use orderflow_http::{Problem, ProblemKind, QueryParams};
use orderflow_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::counter_reader::CounterReader;
use crate::counters::Bucket;
use crate::series::{Point, Span};
use crate::summary::Summary;

/// How long a response is served from the cache.
const CACHE_LIFETIME: Duration = Duration::from_secs(1);

/// The number of different series that are cached.
const CACHED_SERIES: u64 = 100;

#[derive(Clone)]
struct Analytics {
    reader: CounterReader,
    currency: Currency,
    summary: ResponseCache<(), Summary>,
    series: ResponseCache<Span, Series>,
}

/// Returns the routes of analytics. Amounts are in `currency`.
pub fn router(store: &Store, currency: Currency) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read_summary)).routes(routes!(read_series)).with_state(Analytics {
        reader: CounterReader::new(store),
        currency,
        summary: ResponseCache::new(1),
        series: ResponseCache::new(CACHED_SERIES),
    })
}

/// Read the totals of all orders
#[utoipa::path(
    get,
    path = "/api/v1/analytics/summary",
    tag = "analytics",
    operation_id = "readSummary",
    responses((status = 200, description = "The totals of all orders", body = Summary))
)]
async fn read_summary(State(analytics): State<Analytics>) -> Result<Json<Summary>, Problem> {
    let Analytics { reader, currency, summary, .. } = &analytics;
    summary.get_or_read((), Summary::read(reader, currency)).await.map(Json).map_err(Problem::unavailable)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeriesQuery {
    /// The length of one step.
    #[param(inline)]
    bucket: Bucket,
    /// A time in the first bucket. Default: 60 minutes, 24 hours or 30 days, counting the last bucket.
    #[param(value_type = Timestamp, required = false, inline)]
    from: Option<Timestamp>,
    /// A time in the last bucket. A series has at most 1,500 buckets. Default: now.
    #[param(value_type = Timestamp, required = false, inline)]
    to: Option<Timestamp>,
}

/// Orders over time.
#[derive(Clone, Serialize, ToSchema)]
struct Series {
    /// One point for each bucket, oldest first.
    series: Vec<Point>,
}

/// Read orders over time
#[utoipa::path(
    get,
    path = "/api/v1/analytics/series",
    tag = "analytics",
    operation_id = "readSeries",
    params(SeriesQuery),
    responses((status = 200, description = "Every bucket of the span, empty ones included", body = Series)),
    extensions(("x-problems" = json!([ProblemKind::InvalidRange])))
)]
async fn read_series(
    State(analytics): State<Analytics>,
    QueryParams(query): QueryParams<SeriesQuery>,
) -> Result<Json<Series>, Problem> {
    let Analytics { reader, currency, series, .. } = &analytics;
    let span = Span::new(query.bucket, query.from, query.to, Timestamp::now())
        .map_err(|error| Problem::refused_field(ProblemKind::InvalidRange, "from", error.to_string()))?;
    let read = async { span.read(reader, currency).await.map(|series| Series { series }) };
    series.get_or_read(span, read).await.map(Json).map_err(Problem::unavailable)
}

/// Serves a response again for [`CACHE_LIFETIME`]. Requests for a response that is being read wait for that read. An error
/// is not cached: the next request reads again.
#[derive(Clone)]
struct ResponseCache<K, V> {
    responses: Cache<K, Arc<OnceCell<V>>>,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> ResponseCache<K, V> {
    fn new(capacity: u64) -> Self {
        Self { responses: Cache::builder().max_capacity(capacity).time_to_live(CACHE_LIFETIME).build() }
    }

    /// Returns the cached response, or the one that `read` returns.
    ///
    /// # Errors
    /// That of `read`.
    async fn get_or_read(
        &self,
        key: K,
        read: impl Future<Output = Result<V, StoreError>>,
    ) -> Result<V, StoreError> {
        let response = self.responses.get_with(key, Arc::default);
        response.get_or_try_init(|| read).await.cloned()
    }
}
