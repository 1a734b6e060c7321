//! `/api/v1/admin/faults`: injects faults into the running system.

use axum::extract::State;
use axum::{Extension, Json};
use orderflow_bridge::ConsumerSwitch;
use orderflow_http::{ActedOn, FieldErrors, JsonBody, Problem, ProblemKind};
use orderflow_messaging::{ConsumerName, subscription};
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

/// The injected faults: how the payment provider fails, and which consumers are stopped.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Faults, examples(json!({"payment": "down", "stopped": ["notification"]})))]
struct FaultsBody {
    /// How the payment provider behaves.
    #[serde(default)]
    payment: GatewayFault,
    /// The consumers to which no messages are delivered.
    #[serde(default)]
    #[schema(value_type = Vec<ConsumerName>)]
    stopped: Vec<String>,
}

pub(crate) fn router(consumers: ConsumerSwitch, gateway: FaultSwitch) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read, replace)).with_state(Faults { consumers, gateway })
}

/// Read the injected faults
///
/// Available only if the program listens on loopback; else 404.
#[utoipa::path(
    get,
    path = "/api/v1/admin/faults",
    tag = "admin",
    operation_id = "readFaults",
    responses((status = 200, description = "The injected faults", body = FaultsBody)),
    extensions(("x-problems" = json!([ProblemKind::NotFound])))
)]
async fn read(State(faults): State<Faults>) -> Json<FaultsBody> {
    Json(FaultsBody {
        payment: faults.gateway.get(),
        stopped: faults.consumers.faulty().into_iter().collect(),
    })
}

/// Inject faults
///
/// Available only if the program listens on loopback; else 404.
#[utoipa::path(
    put,
    path = "/api/v1/admin/faults",
    tag = "admin",
    operation_id = "replaceFaults",
    request_body = FaultsBody,
    responses((status = 200, description = "The injected faults from now on", body = FaultsBody)),
    extensions(("x-problems" = json!([ProblemKind::NotFound])))
)]
async fn replace(
    State(faults): State<Faults>,
    JsonBody(body): JsonBody<FaultsBody>,
) -> Result<(Extension<ActedOn>, Json<FaultsBody>), Problem> {
    let mut errors = FieldErrors::default();
    for (position, consumer) in body.stopped.iter().enumerate() {
        errors.parse(format!("stopped[{position}]"), || subscription(consumer));
    }
    errors.into_result(Some(()))?;
    faults.gateway.set(body.payment);
    faults.consumers.stop(body.stopped);
    tracing::warn!(payment = faults.gateway.get().as_str(), "injected faults changed");
    let now = read(State(faults)).await;
    let acted_on = ActedOn(format!("payment={} stopped={}", now.payment.as_str(), now.stopped.join(",")));
    Ok((Extension(acted_on), now))
}
