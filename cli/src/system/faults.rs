//! `/api/v1/admin/faults`: breaking the running system on purpose.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use orderflow_bridge::ConsumerSwitch;
use orderflow_http::{FieldErrors, JsonBody, Problem};
use orderflow_messaging::subscription;
use orderflow_payments::{FaultSwitch, GatewayFault};
use serde::{Deserialize, Serialize};

#[derive(Clone)]
struct Faults {
    consumers: ConsumerSwitch,
    gateway: FaultSwitch,
}

/// What is broken: the payment provider, and consumers that nothing is delivered to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    #[serde(default)]
    payment: GatewayFault,
    #[serde(default)]
    stopped: Vec<String>,
}

pub(super) fn router(consumers: ConsumerSwitch, gateway: FaultSwitch) -> Router {
    Router::new()
        .route("/api/v1/admin/faults", get(read).put(replace))
        .with_state(Faults { consumers, gateway })
}

async fn read(State(faults): State<Faults>) -> Json<FaultsBody> {
    Json(FaultsBody {
        payment: faults.gateway.get(),
        stopped: faults.consumers.stopped().into_iter().collect(),
    })
}

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
