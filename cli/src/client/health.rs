//! `orderflow health`.

use std::collections::BTreeMap;

use orderflow_settings::Snapshot;
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use crate::client::http::{ApiRequest, ApiResponse};
use crate::client::output::{Table, printable};
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

/// `orderflow health`.
#[derive(clap::Args)]
#[command(after_help = "\
The exit code is 0 if the system is healthy, else 1.

Example:
  orderflow health --url http://127.0.0.1:8080")]
pub struct HealthArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Deserialize)]
struct Health {
    status: String,
    services: BTreeMap<String, String>,
}

impl HealthArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let response = session.api.send(&ApiRequest::new(Method::GET, "/health")).await?;
        let (response, health) = read(response)?;
        show(&mut session, &response, &health)?;
        if response.status == StatusCode::OK && health.status == "healthy" {
            Ok(())
        } else {
            Err(ClientError::Unhealthy(printable(&health.status)))
        }
    }
}

/// Reads the health from a response of any status: an unhealthy system answers 503, but so does a gateway in front of it. The body shows
/// which of the two it is.
fn read(response: ApiResponse) -> Result<(ApiResponse, Health), ClientError> {
    match response.decode::<Health>() {
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
    let rows = services.map(|(service, state)| vec![service.clone(), state.clone()]);
    Table::new(&["SERVICE", "STATE"]).write(rows.collect(), session.output)?;
    Ok(())
}
