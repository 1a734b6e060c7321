//! `/api/v1/notifications`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use orderflow_domain::{OrderId, Timestamp};
use orderflow_http::{Problem, QueryParams};
use orderflow_store::{Store, Table};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::message::ChannelKind;
use crate::table::{NOTIFICATIONS, NotificationRecord, NotificationStatus};
use crate::template::Template;

/// The routes of notifications.
pub fn router(store: &Store) -> Router {
    Router::new().route("/api/v1/notifications", get(list)).with_state(store.table(&NOTIFICATIONS))
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
    template: Template,
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
    State(table): State<Table>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<NotificationList>, Problem> {
    let order_id = OrderId::parse(&query.order_id)
        .map_err(|error| Problem::invalid_field("order_id", error.to_string()))?;
    let found = table.get_collection(&order_id.to_string()).await;
    let mut records: Vec<NotificationRecord> = found.map_err(Problem::unavailable)?;
    // They come in the order of their keys, which stays where times are the same.
    records.sort_by_key(|record| record.created_at);
    Ok(Json(NotificationList { notifications: records.into_iter().map(NotificationView::from).collect() }))
}
