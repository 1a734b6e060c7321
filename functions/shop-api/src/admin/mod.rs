//! `/api/v1/admin`: queues and their dead letters, whatever broker runs them.

mod dead_letters;
mod letter;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use orderflow_http::Problem;
use orderflow_messaging::{QueueAdmin, QueueStatus};
use serde::Serialize;

type Admin = Arc<dyn QueueAdmin>;

/// The routes for operators, without fallbacks:
///
/// - `GET /api/v1/admin/queues`: how full each queue is.
/// - `GET /api/v1/admin/dead-letters`: those of all consumers, with their number by consumer and code.
/// - `GET /api/v1/admin/dead-letters/{consumer}`: those of one.
/// - `DELETE /api/v1/admin/dead-letters/{consumer}`: deletes them for good, with `code` only those of this code; answers `{"purged": n}`.
/// - `GET`, `PUT`, `DELETE /api/v1/admin/dead-letters/{consumer}/{id}`: one; `PUT` takes the event (CloudEvents JSON) that takes its place.
/// - `POST /api/v1/admin/dead-letters/{consumer}/replay`: gives those of `ids`, those of `code`, or all back to the consumer's queue; answers
///   `{"replayed": n}`. Ids that are no dead letters (any more) are not counted, so that it can be repeated.
pub fn admin_router(admin: Arc<dyn QueueAdmin>) -> Router {
    const LETTERS: &str = "/api/v1/admin/dead-letters";
    Router::new()
        .route("/api/v1/admin/queues", get(queues))
        .route(LETTERS, get(dead_letters::list_all))
        .route(&format!("{LETTERS}/{{consumer}}"), get(dead_letters::list).delete(dead_letters::purge))
        .route(&format!("{LETTERS}/{{consumer}}/replay"), post(dead_letters::replay))
        .route(
            &format!("{LETTERS}/{{consumer}}/{{id}}"),
            get(dead_letters::read).put(dead_letters::replace).delete(dead_letters::delete),
        )
        .with_state(admin)
}

#[derive(Serialize)]
struct QueueList {
    queues: Vec<QueueStatus>,
}

async fn queues(State(admin): State<Admin>) -> Result<Json<QueueList>, Problem> {
    let queues = admin.queues().await.map_err(Problem::unavailable)?;
    Ok(Json(QueueList { queues }))
}
