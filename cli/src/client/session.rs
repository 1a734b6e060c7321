//! What all client commands share.

use orderflow_system::BaseUrl;

use crate::client::http::Api;
use crate::client::output::json_text::pretty;
use crate::client::{ClientError, Output};

/// Where the system is and how its answers are shown.
#[derive(clap::Args)]
pub struct ConnectionArgs {
    /// Where the system is.
    #[arg(
        long,
        env = "ORDERFLOW_URL",
        default_value = "http://127.0.0.1:8080",
        global = true,
        help_heading = "Connection"
    )]
    url: BaseUrl,

    /// The token to sign in with, sent as `Authorization: Bearer`. The environment keeps it out of the process list.
    #[arg(long, env = "ORDERFLOW_TOKEN", hide_env_values = true, global = true, help_heading = "Connection")]
    token: Option<String>,

    /// Print the server's JSON instead of a table.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// The server's JSON.
    Json,
}

/// A command at work: whom it asks and where it writes.
pub(crate) struct Session<'a> {
    pub(crate) api: Api,
    pub(crate) format: Format,
    pub(crate) output: &'a mut Output,
}

impl ConnectionArgs {
    /// Begins a session; nothing is sent yet.
    ///
    /// # Errors
    /// Where the token cannot be sent or no HTTP client can be made.
    pub(crate) fn open(self, output: &mut Output) -> Result<Session<'_>, ClientError> {
        let format = self.format();
        // An empty variable is what a compose file makes of one that is not set.
        let token = self.token.filter(|token| !token.trim().is_empty());
        Ok(Session { api: Api::new(self.url, token.as_deref())?, format, output })
    }

    /// How answers are to be shown.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Table }
    }
}

impl Session<'_> {
    /// Writes a JSON body, laid out for reading.
    ///
    /// # Errors
    /// Where the output does.
    pub(crate) fn write_json(&mut self, body: &str) -> Result<(), ClientError> {
        Ok(self.output.line(pretty(body))?)
    }
}
