//! The routes below `/api/v1/notifications` and `/api/v1/templates`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use orderflow_domain::{ChannelKind, OrderId, Timestamp};
use orderflow_http::{
    ActedOn, IdempotencyKey, JsonBodyText, PageQuery, PathParam, Problem, ProblemKind, QueryParams, Trace,
};
use orderflow_store::{Cursor, Store, Table};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
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

/// Returns the routes of notifications. Requests are validated against these templates.
pub fn router(store: &Store, templates: Arc<Templates>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, request))
        .routes(routes!(read))
        .routes(routes!(list_templates))
        .with_state(Notifications {
            table: store.table(&NOTIFICATIONS),
            requests: Requests::new(store),
            templates,
        })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Returns the messages about this order.
    #[param(value_type = OrderId, inline)]
    order_id: String,
}

/// The messages about an order.
#[derive(Serialize, ToSchema)]
struct NotificationList {
    /// Oldest first.
    notifications: Vec<NotificationView>,
}

/// A message to a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
struct NotificationView {
    /// The `Message-ID` of an e-mail.
    id: Uuid,
    channel: ChannelKind,
    /// An e-mail address or a telephone number.
    recipient: String,
    /// The name of the template that the message is rendered from.
    #[schema(example = "order_confirmation")]
    template: String,
    /// The subject of an e-mail; null for a short message, and before the message is sent.
    #[schema(required = true)]
    subject: Option<String>,
    status: NotificationStatus,
    created_at: Timestamp,
    /// When the provider accepted the message; null before that.
    #[schema(required = true)]
    sent_at: Option<Timestamp>,
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
            sent_at: (record.status == NotificationStatus::Sent).then_some(record.updated_at),
        }
    }
}

/// List the messages about an order
#[utoipa::path(
    get,
    path = "/api/v1/notifications",
    tag = "notifications",
    operation_id = "listNotifications",
    params(ListQuery),
    responses((status = 200, description = "The messages about the order, oldest first", body = NotificationList))
)]
async fn list(
    State(notifications): State<Notifications>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<NotificationList>, Problem> {
    let order_id = OrderId::parse(&query.order_id)
        .map_err(|error| Problem::invalid_field("order_id", error.to_string()))?;
    let found = notifications.table.get_collection(&order_id.to_string()).await;
    let mut records: Vec<NotificationRecord> = found.map_err(Problem::unavailable)?;
    // A row without a sent message is the claim of a consumer that is sending it.
    records.retain(|record| record.status == NotificationStatus::Sent && !record.key.is_mark());
    // The store returns them sorted by key. The sort is stable, so messages of the same time stay sorted by key.
    records.sort_by_key(|record| record.created_at);
    Ok(Json(NotificationList { notifications: records.into_iter().map(NotificationView::from).collect() }))
}

/// A message that was accepted and will be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = NotificationAccepted)]
struct Accepted {
    id: Uuid,
}

/// Send a message
///
/// Accepts a message, which is then sent. `GET` of the `Location` returns its status. A repeated `Idempotency-Key` returns the first answer.
#[utoipa::path(
    post,
    path = "/api/v1/notifications",
    tag = "notifications",
    operation_id = "requestNotification",
    params(IdempotencyKey, Trace),
    request_body = RequestBody,
    responses(
        (status = 202, description = "The message is accepted and will be sent", body = Accepted,
            headers(("location" = String, description = "The path of the message.")))
    ),
    extensions(("x-problems" = json!([
        ProblemKind::IdempotencyKeyReused, ProblemKind::UnknownTemplate, ProblemKind::VariablesNotSuitable,
    ])))
)]
async fn request(
    State(notifications): State<Notifications>,
    key: Option<IdempotencyKey>,
    Trace(trace): Trace,
    JsonBodyText { body, text }: JsonBodyText<RequestBody>,
) -> Result<impl IntoResponse, Problem> {
    let request = body.with_exact_numbers(&text)?.parse(&notifications.templates)?;
    let key = key.as_ref().map(IdempotencyKey::as_str);
    let record = notifications.requests.add(request, key, trace.to_string()).await?;
    tracing::info!(
        service = "shop-api",
        notification.id = %record.message_id,
        template = record.template,
        event.r#type = "notification.requested",
        trace.id = trace.trace_id(),
        "notification accepted"
    );
    let location = format!("/api/v1/notifications/{}", record.message_id);
    let acted_on = ActedOn::part("id", record.message_id);
    let accepted = Json(Accepted { id: record.message_id });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], acted_on, accepted))
}

/// Read a requested message
#[utoipa::path(
    get,
    path = "/api/v1/notifications/{id}",
    tag = "notifications",
    operation_id = "readNotification",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The message", body = NotificationView))
)]
async fn read(
    State(notifications): State<Notifications>,
    PathParam(id): PathParam<Uuid>,
) -> Result<Json<NotificationView>, Problem> {
    let record = notifications.requests.get(id).await?;
    record.map(|record| Json(record.into())).ok_or_else(Problem::not_found)
}

/// A page of templates.
#[derive(Serialize, ToSchema)]
struct TemplateList {
    templates: Vec<TemplateSummary>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The listing of templates, in cursors.
const TEMPLATES: &str = "templates";

/// List templates
#[utoipa::path(
    get,
    path = "/api/v1/templates",
    tag = "notifications",
    operation_id = "listTemplates",
    params(PageQuery),
    responses((status = 200, description = "A page of templates, by name and channel", body = TemplateList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
async fn list_templates(
    State(notifications): State<Notifications>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<TemplateList>, Problem> {
    let after = query.cursor.position(|text| Cursor::decode(text, TEMPLATES))?;
    let position = |template: &TemplateSummary| format!("{}.{}", template.name, template.channel.as_str());
    let rest = match &after {
        None => notifications.templates.summaries(),
        Some(after) => {
            let mut before = notifications.templates.summaries().iter();
            let last = before.position(|template| position(template) == *after);
            last.map(|_| before.as_slice()).ok_or_else(Problem::invalid_cursor)?
        }
    };
    let page = &rest[..rest.len().min(query.limit.get().into())];
    let next = page.last().filter(|_| page.len() < rest.len());
    let next_cursor = next.map(|template| Cursor::new(TEMPLATES, position(template)).encode());
    Ok(Json(TemplateList { templates: page.to_vec(), next_cursor }))
}
