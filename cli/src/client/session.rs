//! The flags that all client commands share, and the session that they open.

use orderflow_system::BaseUrl;

use crate::client::http::Api;
use crate::client::output::json_text::pretty;
use crate::client::{ClientError, Output};

/// Where the system is, and how its responses are shown.
#[derive(clap::Args)]
pub struct ConnectionArgs {
    /// The base URL of the running system.
    #[arg(
        long,
        env = "ORDERFLOW_URL",
        default_value = "http://127.0.0.1:8080",
        global = true,
        help_heading = "Connection"
    )]
    url: BaseUrl,

    /// The access token, sent as `Authorization: Bearer`. Prefer the variable: other users of the machine can read flags in the process list.
    #[arg(long, env = "ORDERFLOW_TOKEN", hide_env_values = true, global = true, help_heading = "Connection")]
    token: Option<String>,

    /// Print the server's JSON instead of a table.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

/// How responses are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table.
    Table,
    /// The server's JSON, indented.
    Json,
}

/// A running command: the API client it uses, and where and how it writes.
pub(crate) struct Session<'a> {
    pub(crate) api: Api,
    pub(crate) format: Format,
    pub(crate) output: &'a mut Output,
}

impl ConnectionArgs {
    /// Opens a session. Sends nothing.
    ///
    /// # Errors
    /// If the token cannot be a header value or the HTTP client cannot be set up.
    pub(crate) fn open(self, output: &mut Output) -> Result<Session<'_>, ClientError> {
        let format = self.format();
        // An empty variable is what a compose file makes of one that is not set.
        let token = self.token.filter(|token| !token.trim().is_empty());
        Ok(Session { api: Api::new(self.url, token.as_deref())?, format, output })
    }

    /// Returns how responses are to be shown.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Table }
    }
}

impl Session<'_> {
    /// Writes a JSON body, indented.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(crate) fn write_json(&mut self, body: &str) -> Result<(), ClientError> {
        Ok(self.output.line(pretty(body))?)
    }
}
