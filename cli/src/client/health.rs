//! `orderflow health`.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::answer::Answer;
use super::call::Call;
use super::connection::{Format, Session};
use super::printable::printable;
use super::table::Table;
use super::{ClientError, ConnectionArgs, Output};

/// `orderflow health`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  orderflow health --url http://127.0.0.1:8080")]
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
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        let answer = session.api.send(&Call::new(Method::GET, "/health")).await?;
        let (answer, health) = read(answer)?;
        show(&mut session, &answer, &health)?;
        if answer.status == StatusCode::OK && health.status == "healthy" {
            Ok(())
        } else {
            Err(ClientError::Unhealthy(printable(&health.status)))
        }
    }
}

/// The state of a sick system comes with a 503, but so do a gateway's own answers: the body tells them apart.
fn read(answer: Answer) -> Result<(Answer, Health), ClientError> {
    match answer.decode::<Health>() {
        Ok(health) => Ok((answer, health)),
        Err(foreign) => {
            answer.accepted()?;
            Err(foreign)
        }
    }
}

fn show(session: &mut Session<'_>, answer: &Answer, health: &Health) -> Result<(), ClientError> {
    if session.format == Format::Json {
        return session.write_json(&answer.body);
    }
    let services = health.services.iter();
    let rows = services.map(|(service, state)| vec![service.clone(), state.clone()]);
    Table::new(&["SERVICE", "STATE"]).write(rows.collect(), session.output)?;
    Ok(())
}
