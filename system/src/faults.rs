//! `/api/v1/admin/faults`: breaking the running system on purpose.

use axum::Json;
use axum::extract::State;
use orderflow_bridge::ConsumerSwitch;
use orderflow_http::{FieldErrors, JsonBody, Problem};
use orderflow_messaging::subscription;
use orderflow_payments::{FaultSwitch, GatewayFault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Clone)]
struct Faults {
    consumers: ConsumerSwitch,
    gateway: FaultSwitch,
}

/// What is broken: the payment provider, and consumers that nothing is delivered to.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Faults, examples(json!({"payment": "down", "stopped": ["notification"]})))]
struct FaultsBody {
    /// What the payment provider does.
    #[serde(default)]
    payment: GatewayFault,
    /// Consumers that nothing is delivered to.
    #[serde(default)]
    stopped: Vec<String>,
}

pub(crate) fn router(consumers: ConsumerSwitch, gateway: FaultSwitch) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read, replace)).with_state(Faults { consumers, gateway })
}

/// What is broken on purpose
///
/// Only where the program listens on loopback.
#[utoipa::path(
    get,
    path = "/api/v1/admin/faults",
    tag = "admin",
    operation_id = "readFaults",
    responses((status = 200, description = "What is broken", body = FaultsBody))
)]
async fn read(State(faults): State<Faults>) -> Json<FaultsBody> {
    Json(FaultsBody {
        payment: faults.gateway.get(),
        stopped: faults.consumers.stopped().into_iter().collect(),
    })
}

/// Break the running system on purpose
///
/// Only where the program listens on loopback.
#[utoipa::path(
    put,
    path = "/api/v1/admin/faults",
    tag = "admin",
    operation_id = "replaceFaults",
    request_body = FaultsBody,
    responses((status = 200, description = "What is broken now", body = FaultsBody))
)]
async fn replace(
    State(faults): State<Faults>,
    JsonBody(body): JsonBody<FaultsBody>,
) -> Result<Json<FaultsBody>, Problem> {
    let mut errors = FieldErrors::default();
    for (position, consumer) in body.stopped.iter().enumerate() {
        errors.parse(format!("stopped[{position}]"), || subscription(consumer));
    }
    errors.into_result(Some(()))?;
    faults.gateway.set(body.payment);
    faults.consumers.stop(body.stopped);
    tracing::warn!(payment = faults.gateway.get().as_str(), "the faults are changed");
    Ok(read(State(faults)).await)
}
