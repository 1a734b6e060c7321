//! `orderflow faults`.

use clap::builder::PossibleValuesParser;
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_payments::GatewayFault;
use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, ApiResponse};
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

const PATH: &str = "/api/v1/admin/faults";

/// The flags and subcommands of `orderflow faults`.
#[derive(clap::Args)]
pub struct FaultsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: FaultsCommand,
}

#[derive(clap::Subcommand)]
enum FaultsCommand {
    /// Show the injected faults.
    #[command(after_help = "Example:\n  orderflow faults show")]
    Show,
    /// Inject faults. What is not named stays as it is.
    #[command(after_help = "\
Only a system that listens on loopback accepts faults, and they end when it does.

Examples:
  orderflow faults set --payment down
  orderflow faults set --stop payment --stop notification")]
    Set(SetArgs),
    /// End every fault.
    #[command(after_help = "Example:\n  orderflow faults clear")]
    Clear,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct SetArgs {
    /// How the payment provider behaves: ok; decline declines each new charge; slow takes two seconds longer for each call; down fails each call.
    #[arg(long, value_name = "FAULT", value_parser = PossibleValuesParser::new(GatewayFault::ALL.map(GatewayFault::as_str)))]
    payment: Option<String>,

    /// A consumer to which no messages are delivered; repeat the flag for several. It replaces the list of stopped consumers.
    #[arg(long, value_name = "CONSUMER", value_parser = PossibleValuesParser::new(SUBSCRIPTIONS.iter().map(|row| row.consumer)))]
    stop: Vec<String>,
}

/// The injected faults, as the API has them.
#[derive(Serialize, Deserialize)]
struct Faults {
    payment: String,
    stopped: Vec<String>,
}

impl FaultsArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let response = match self.command {
            FaultsCommand::Show => read(&session).await?,
            FaultsCommand::Set(set) => {
                let before: Faults = read(&session).await?.decode()?;
                let stopped = if set.stop.is_empty() { before.stopped } else { set.stop };
                let payment = set.payment.unwrap_or(before.payment);
                replace(&session, &Faults { payment, stopped }).await?
            }
            FaultsCommand::Clear => {
                replace(&session, &Faults { payment: "ok".to_owned(), stopped: Vec::new() }).await?
            }
        };
        show(&mut session, &response)
    }
}

async fn read(session: &Session<'_>) -> Result<ApiResponse, ClientError> {
    answered(session, ApiRequest::new(Method::GET, PATH)).await
}

async fn replace(session: &Session<'_>, faults: &Faults) -> Result<ApiResponse, ClientError> {
    answered(session, ApiRequest::new(Method::PUT, PATH).json(faults)).await
}

/// Sends a request. A system that other machines can reach, or a deployed one, does not have the path.
async fn answered(session: &Session<'_>, request: ApiRequest) -> Result<ApiResponse, ClientError> {
    session.api.fetch(&request.retried()).await.map_err(|error| match error {
        ClientError::Problem(problem) if problem.slug() == "not-found" => ClientError::NoFaults,
        error => error,
    })
}

fn show(session: &mut Session<'_>, response: &ApiResponse) -> Result<(), ClientError> {
    let faults: Faults = response.decode()?;
    if session.format == Format::Json {
        return session.write_json(&response.body);
    }
    let stopped = if faults.stopped.is_empty() { "none".to_owned() } else { faults.stopped.join(", ") };
    session.output.line(format_args!("payment provider   {}", faults.payment))?;
    session.output.line(format_args!("stopped consumers  {stopped}"))?;
    if faults.payment != "ok" || !faults.stopped.is_empty() {
        session.output.note("end the faults with `orderflow faults clear`");
    }
    Ok(())
}
