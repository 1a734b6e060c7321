//! The store behind an endpoint.

use std::time::Duration;

use orderflow_system::{BaseUrl, StoreLocation, table_states};
use tokio::time::timeout;

use super::check::Check;

const NAME: &str = "store";

/// The time for all requests to the store.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Asks the store at an endpoint for its tables, if the settings name one. Reading them needs working credentials.
pub(super) async fn check(store: &StoreLocation, prefix: &str) -> Option<Check> {
    let StoreLocation::Endpoint(endpoint) = store else { return None };
    // The SDK repeats what cannot be sent, and says only that it took too long.
    if let Err(reason) = connect(endpoint).await {
        return Some(Check::failed(NAME, format!("{endpoint} cannot be reached: {reason}"), advice("")));
    }
    let checked = match timeout(TIMEOUT, table_states(store, prefix)).await {
        Ok(Ok(tables)) => {
            let missing = tables.iter().filter(|table| !table.exists).count();
            let found = match missing {
                0 => format!("{endpoint} has all {} tables of {prefix}", tables.len()),
                _ => format!(
                    "{endpoint} answers; {missing} tables of {prefix} are missing, and the start creates them"
                ),
            };
            Check::ok(NAME, found)
        }
        Ok(Err(error)) => {
            Check::failed(NAME, format!("{endpoint}: {error:#}"), advice(&format!("{error:#}")))
        }
        Err(_) => {
            let found = format!("{endpoint} did not answer within {} s", TIMEOUT.as_secs());
            Check::failed(NAME, found, advice(""))
        }
    };
    Some(checked)
}

/// Connects to the endpoint, and returns why if that fails. Any answer will do.
async fn connect(endpoint: &BaseUrl) -> Result<(), String> {
    let client =
        reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(|error| error.to_string())?;
    match client.get(endpoint.join("/", &[])).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            Err(causes.last().map(ToString::to_string).unwrap_or_default())
        }
    }
}

fn advice(error: &str) -> &'static str {
    let names = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if names(&["credential", "Credential", "UnrecognizedClient", "InvalidSignature", "ExpiredToken"]) {
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; `orderflow store` and emulators accept any"
    } else if names(&["AccessDenied"]) {
        "give the account dynamodb:DescribeTable, and to create tables dynamodb:CreateTable"
    } else if names(&["region", "Region"]) {
        "set AWS_REGION"
    } else {
        "start the store, for example `orderflow store --port 8000`, or correct the endpoint"
    }
}
