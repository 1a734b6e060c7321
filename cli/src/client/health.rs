//! `orderflow health`.

use std::collections::BTreeMap;

use orderflow_settings::Snapshot;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::http::{ApiRequest, ApiResponse};
use crate::client::output::{Table, printable};
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

/// `orderflow health`.
#[derive(clap::Args)]
#[command(after_help = "\
The exit code is 0 if the system is healthy, 3 if it is degraded, else 1. With --ready it is 0 if the process can answer requests, else 1.

Examples:
  orderflow health --url http://127.0.0.1:8080
  orderflow health --ready")]
pub struct HealthArgs {
    #[command(flatten)]
    connection: ConnectionArgs,

    /// Ask only whether the process can answer requests, as a load balancer or a container does.
    #[arg(long)]
    ready: bool,
}

#[derive(Deserialize)]
struct Health {
    status: String,
    services: BTreeMap<String, String>,
    #[serde(default)]
    reasons: BTreeMap<String, String>,
    #[serde(default)]
    parts: BTreeMap<String, Part>,
}

#[derive(Deserialize)]
struct Part {
    state: String,
    since: Option<String>,
    reason: Option<String>,
    last_success: Option<String>,
    waiting: Option<u64>,
    oldest_waiting_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct Readiness {
    status: String,
}

impl HealthArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        if self.ready {
            return ask_readiness(&mut session).await;
        }
        let response = session.api.send(&ApiRequest::new(Method::GET, "/health")).await?;
        let (response, health): (_, Health) = read(response)?;
        show(&mut session, &response, &health)?;
        match (response.status, health.status.as_str()) {
            (StatusCode::OK, "healthy") => Ok(()),
            (StatusCode::OK, "degraded") => Err(ClientError::Degraded),
            _ => Err(ClientError::Unhealthy(printable(&health.status))),
        }
    }
}

async fn ask_readiness(session: &mut Session<'_>) -> Result<(), ClientError> {
    let response = session.api.send(&ApiRequest::new(Method::GET, "/health/ready")).await?;
    let (response, readiness): (_, Readiness) = read(response)?;
    match session.format {
        Format::Json => session.write_json(&response.body)?,
        Format::Table => session.output.line(printable(&readiness.status))?,
    }
    match response.status {
        StatusCode::OK => Ok(()),
        _ => Err(ClientError::NotReady),
    }
}

/// Reads the health from a response of any status: an unhealthy system answers 503, but so does a gateway in front of it. The body shows
/// which of the two it is.
fn read<T: DeserializeOwned>(response: ApiResponse) -> Result<(ApiResponse, T), ClientError> {
    match response.decode::<T>() {
        Ok(health) => Ok((response, health)),
        Err(unexpected) => {
            response.accepted()?;
            Err(unexpected)
        }
    }
}

fn show(session: &mut Session<'_>, response: &ApiResponse, health: &Health) -> Result<(), ClientError> {
    if session.format == Format::Json {
        return session.write_json(&response.body);
    }
    let services = health.services.iter();
    let rows = services.map(|(service, state)| {
        vec![service.clone(), state.clone(), health.reasons.get(service).cloned().unwrap_or_default()]
    });
    Table::new(&["SERVICE", "STATE", "REASON"]).write(rows.collect(), session.output)?;
    if health.parts.is_empty() {
        return Ok(());
    }
    session.output.line("")?;
    let rows = health.parts.iter().map(|(name, part)| part.row(name));
    let headers = ["PART", "STATE", "SINCE", "LAST SUCCESS", "WAITING", "OLDEST", "REASON"];
    Table::new(&headers).write(rows.collect(), session.output)?;
    Ok(())
}

impl Part {
    fn row(&self, name: &str) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let oldest = self.oldest_waiting_seconds.map(|seconds| format!("{seconds:.0} s"));
        vec![
            name.to_owned(),
            self.state.clone(),
            text(&self.since),
            text(&self.last_success),
            text(&self.waiting.map(|waiting| waiting.to_string())),
            text(&oldest),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}
