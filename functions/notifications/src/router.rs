//! `/api/v1/notifications` and `/api/v1/templates`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use orderflow_domain::{ChannelKind, OrderId, Timestamp};
use orderflow_http::{IdempotencyKey, JsonBody, PathParam, Problem, QueryParams, Trace};
use orderflow_store::{Store, Table};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::request::{RequestBody, Requests};
use crate::table::{NOTIFICATIONS, NotificationRecord, NotificationStatus};
use crate::templates::{TemplateSummary, Templates};

#[derive(Clone)]
struct Notifications {
    table: Table,
    requests: Requests,
    templates: Arc<Templates>,
}

/// The routes of notifications. What is asked for is checked against these templates.
pub fn router(store: &Store, templates: Arc<Templates>) -> Router {
    Router::new()
        .route("/api/v1/notifications", get(list).post(request))
        .route("/api/v1/notifications/{id}", get(read))
        .route("/api/v1/templates", get(list_templates))
        .with_state(Notifications {
            table: store.table(&NOTIFICATIONS),
            requests: Requests::new(store),
            templates,
        })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    order_id: String,
}

#[derive(Serialize)]
struct NotificationList {
    notifications: Vec<NotificationView>,
}

#[derive(Serialize)]
struct NotificationView {
    id: Uuid,
    channel: ChannelKind,
    recipient: String,
    template: String,
    subject: Option<String>,
    status: NotificationStatus,
    created_at: Timestamp,
}

impl From<NotificationRecord> for NotificationView {
    fn from(record: NotificationRecord) -> Self {
        Self {
            id: record.message_id,
            channel: record.recipient.channel(),
            recipient: record.recipient.address().to_owned(),
            template: record.template,
            subject: record.subject,
            status: record.status,
            created_at: record.created_at,
        }
    }
}

async fn list(
    State(notifications): State<Notifications>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<NotificationList>, Problem> {
    let order_id = OrderId::parse(&query.order_id)
        .map_err(|error| Problem::invalid_field("order_id", error.to_string()))?;
    let found = notifications.table.get_collection(&order_id.to_string()).await;
    let mut records: Vec<NotificationRecord> = found.map_err(Problem::unavailable)?;
    // They come in the order of their keys, which stays where times are the same.
    records.sort_by_key(|record| record.created_at);
    Ok(Json(NotificationList { notifications: records.into_iter().map(NotificationView::from).collect() }))
}

#[derive(Serialize)]
struct Accepted {
    id: Uuid,
}

async fn request(
    State(notifications): State<Notifications>,
    key: Option<IdempotencyKey>,
    Trace(trace): Trace,
    JsonBody(body): JsonBody<RequestBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = body.parse(&notifications.templates)?;
    let key = key.as_ref().map(IdempotencyKey::as_str);
    let record = notifications.requests.add(request, key, trace.to_string()).await?;
    tracing::info!(
        service = "shop-api",
        notification.id = %record.message_id,
        template = record.template,
        event.r#type = "notification.requested",
        trace.id = trace.trace_id(),
        "the notification is accepted"
    );
    let location = format!("/api/v1/notifications/{}", record.message_id);
    let accepted = Json(Accepted { id: record.message_id });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], accepted))
}

async fn read(
    State(notifications): State<Notifications>,
    PathParam(id): PathParam<Uuid>,
) -> Result<Json<NotificationView>, Problem> {
    let record = notifications.requests.get(id).await?;
    record.map(|record| Json(record.into())).ok_or_else(Problem::not_found)
}

#[derive(Serialize)]
struct TemplateList<'a> {
    templates: &'a [TemplateSummary],
}

async fn list_templates(State(notifications): State<Notifications>) -> impl IntoResponse {
    Json(TemplateList { templates: notifications.templates.summaries() }).into_response()
}
