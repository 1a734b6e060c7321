//! `/api/v1/admin/consumers`: pauses and resumes consumers. A pause is stored, so that it outlives restarts and holds in every process
//! over the same store.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use orderflow_bridge::{Pause, RuntimeTable};
use orderflow_domain::Timestamp;
use orderflow_http::{ActedOn, JsonBody, PathParam, Problem, ProblemKind};
use orderflow_messaging::{ConsumerName, ConsumerSwitch, SUBSCRIPTIONS, subscription};
use orderflow_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often a process looks for pauses that another process stored.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The pauses of the consumers. Clones share them.
#[derive(Clone)]
pub(crate) struct Pauses {
    table: RuntimeTable,
    switch: ConsumerSwitch,
}

impl Pauses {
    pub(crate) fn new(table: RuntimeTable, switch: ConsumerSwitch) -> Self {
        Self { table, switch }
    }

    /// Applies the stored pauses to the consumers of this process.
    pub(crate) async fn apply(&self) -> Result<Vec<Pause>, StoreError> {
        let pauses = self.table.pauses().await?;
        self.switch.pause(pauses.iter().map(|pause| (pause.consumer.clone(), pause.since)));
        Ok(pauses)
    }

    /// Applies what other processes store, until `stop` becomes true. While the store does not answer, the last pauses hold.
    pub(crate) async fn follow(self, mut stop: watch::Receiver<bool>) {
        let mut is_failing = false;
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
            match self.apply().await {
                Ok(_) if std::mem::take(&mut is_failing) => {
                    tracing::info!("the pauses of the consumers can be read again");
                }
                Ok(_) => {}
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(%error, "the pauses of the consumers cannot be read; the last ones hold");
                }
                Err(_) => {}
            }
        }
    }
}

/// The consumers.
#[derive(Serialize, ToSchema)]
struct ConsumerList {
    consumers: Vec<ConsumerState>,
}

/// Whether messages are delivered to a consumer.
#[derive(Serialize, ToSchema)]
struct ConsumerState {
    #[schema(value_type = ConsumerName)]
    consumer: &'static str,
    /// Whether an operator paused it. Its messages wait in its queue.
    paused: bool,
    /// Since when it is paused; null if it is not.
    since: Option<Timestamp>,
}

/// Whether a consumer is to be paused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"paused": true})))]
struct PauseRequest {
    paused: bool,
}

pub(crate) fn router(pauses: Pauses) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replace)).with_state(pauses)
}

/// List the consumers
///
/// Shows which are paused.
#[utoipa::path(
    get,
    path = "/api/v1/admin/consumers",
    tag = "admin",
    operation_id = "listConsumers",
    responses((status = 200, description = "Every consumer", body = ConsumerList))
)]
async fn list(State(pauses): State<Pauses>) -> Result<Json<ConsumerList>, Problem> {
    let paused = pauses.apply().await.map_err(Problem::unavailable)?;
    Ok(Json(ConsumerList { consumers: states(&paused) }))
}

/// Pause or resume a consumer
///
/// A paused consumer gets no messages; they wait in its queue. It stays paused, also after a restart, until it is resumed. Other processes
/// over the same store follow within some seconds.
#[utoipa::path(
    put,
    path = "/api/v1/admin/consumers/{consumer}",
    tag = "admin",
    operation_id = "pauseConsumer",
    params(("consumer" = ConsumerName, Path, description = "The consumer.")),
    request_body = PauseRequest,
    responses((status = 200, description = "Every consumer", body = ConsumerList)),
    extensions(("x-problems" = json!([ProblemKind::NotFound])))
)]
async fn replace(
    State(pauses): State<Pauses>,
    PathParam(consumer): PathParam<String>,
    JsonBody(request): JsonBody<PauseRequest>,
) -> Result<(Extension<ActedOn>, Json<ConsumerList>), Problem> {
    let known = subscription(&consumer).map_err(|_| Problem::not_found())?.consumer;
    if request.paused {
        pauses.table.pause(known).await.map_err(Problem::unavailable)?;
        tracing::warn!(consumer = known, "consumer paused by an operator");
    } else {
        pauses.table.resume(known).await.map_err(Problem::unavailable)?;
        tracing::warn!(consumer = known, "consumer resumed by an operator");
    }
    Ok((ActedOn::part("paused", request.paused), list(State(pauses)).await?))
}

fn states(paused: &[Pause]) -> Vec<ConsumerState> {
    let state = |consumer: &'static str| {
        let pause = paused.iter().find(|pause| pause.consumer == consumer);
        ConsumerState { consumer, paused: pause.is_some(), since: pause.map(|pause| pause.since) }
    };
    SUBSCRIPTIONS.iter().map(|row| state(row.consumer)).collect()
}
