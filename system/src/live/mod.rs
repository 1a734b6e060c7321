//! `GET /api/v1/live`: what happens at present, once or as a stream.

mod order_feed;
mod reporter;
mod snapshot;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use order_feed::OrderFeed;
use reporter::Report;
pub(crate) use reporter::Reporter;
use snapshot::LiveSnapshot;

/// The time after which a stream ends and its reader connects again, well before a server or a proxy would cut it off. The token is
/// verified again then.
const STREAM_TIME: Duration = Duration::from_secs(25);

const EVENT_STREAM: &str = "text/event-stream";

pub(crate) fn router(reporter: Reporter) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(live)).with_state(reporter)
}

/// Read what happens at present
///
/// With `Accept: text/event-stream` a report comes each second as a server-sent event. The stream ends after 25 seconds; a client that
/// connects again with the `Last-Event-ID` of the last one gets the reports of the last minute that it missed. Otherwise one report is
/// answered.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    tag = "admin",
    operation_id = "live",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received.")),
    responses((status = 200, description = "The report", content(
        (LiveSnapshot = "application/json"),
        (String = "text/event-stream"),
    )))
)]
async fn live(State(reporter): State<Reporter>, headers: HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains(EVENT_STREAM) {
        let after = last_number(&headers, reporter.epoch()).unwrap_or_else(|| reporter.newest());
        return Sse::new(events(reporter, after)).keep_alive(KeepAlive::default()).into_response();
    }
    ([(CONTENT_TYPE, "application/json")], reporter.current().await.to_string()).into_response()
}

/// Returns the number of the last report that the client has, if it is one of this process.
fn last_number(headers: &HeaderMap, epoch: i64) -> Option<u64> {
    let (of, number) = headers.get("last-event-id")?.to_str().ok()?.split_once('-')?;
    if of.parse() == Ok(epoch) { number.parse().ok() } else { None }
}

fn events(reporter: Reporter, after: u64) -> impl Stream<Item = Result<Event, Infallible>> {
    let (epoch, end) = (reporter.epoch(), Instant::now() + STREAM_TIME);
    let batches = stream::unfold(after, move |after| {
        let reporter = reporter.clone();
        async move {
            let reports = timeout_at(end, reporter.next(after)).await.ok()?;
            let last = reports.last().map_or(after, |report| report.number);
            Some((reports, last))
        }
    });
    batches.flat_map(stream::iter).map(move |report: Report| {
        Ok(Event::default().id(format!("{epoch}-{}", report.number)).data(&*report.json))
    })
}
