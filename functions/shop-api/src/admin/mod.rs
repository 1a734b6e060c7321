//! `/api/v1/admin`: queues and dead letters of any broker.

mod dead_letter_lists;
mod dead_letter_view;
mod dead_letters;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use orderflow_http::Problem;
use orderflow_messaging::{QueueAdmin, QueueStatus};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Admin = Arc<dyn QueueAdmin>;

/// Returns the routes for operators, without fallbacks.
pub fn admin_router(admin: Arc<dyn QueueAdmin>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(queues))
        .routes(routes!(dead_letter_lists::list_all))
        .routes(routes!(dead_letter_lists::list, dead_letters::purge))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(dead_letters::read, dead_letters::replace, dead_letters::delete))
        .with_state(admin)
}

/// The queues of all consumers.
#[derive(Serialize, ToSchema)]
struct QueueList {
    queues: Vec<QueueStatus>,
}

/// List the message counts of each queue
#[utoipa::path(
    get,
    path = "/api/v1/admin/queues",
    tag = "admin",
    operation_id = "listQueues",
    responses((status = 200, description = "Every queue", body = QueueList))
)]
async fn queues(State(admin): State<Admin>) -> Result<Json<QueueList>, Problem> {
    let queues = admin.queues().await.map_err(Problem::unavailable)?;
    Ok(Json(QueueList { queues }))
}
