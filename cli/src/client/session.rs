//! The flags that all client commands share, and the session that they open.

use clap::Arg;
use orderflow_settings::declared::{TOKEN, URL};
use orderflow_settings::{NotAllowed, Program, Reader, Refused, Setting, Snapshot, read};
use orderflow_system::BaseUrl;

use crate::client::http::Api;
use crate::client::output::json_text::pretty;
use crate::client::{ClientError, Output};
use crate::settings::{self, FlagSet, SettingFlags};

/// Where the system is, and how its responses are shown.
#[derive(clap::Args)]
pub struct ConnectionArgs {
    /// The settings that have a flag.
    #[command(flatten)]
    flags: SettingFlags<ClientFlags>,

    /// Print the server's JSON instead of a table.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

enum ClientFlags {}

impl FlagSet for ClientFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Client)
    }

    fn adapt(flag: Arg) -> Arg {
        flag.global(true).help_heading("Connection")
    }
}

/// The base URL of the system, and the access token.
pub(crate) struct ConnectionSettings {
    url: BaseUrl,
    token: Option<String>,
}

impl ConnectionSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Refused`] if the URL cannot be used.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let url = settings::base_url_or_default(reader, &URL);
        let token = reader.optional(&TOKEN, |text| {
            // A token from a file ends with a line break.
            let text = text.trim();
            let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
            if is_sendable { Ok(text.to_owned()) } else { Err(NotAllowed) }
        });
        Ok(Self { url: url?, token })
    }

    /// Refuses to send the token over plain HTTP to another machine that only a file `.env` names: such a file may come with a folder that
    /// another person made.
    ///
    /// # Errors
    /// [`Refused`] if the token would be sent there.
    pub(crate) fn protect_token(self, reader: &mut Reader<'_>) -> Result<Self, Refused> {
        if self.token.is_none() || !reader.snapshot().is_unencrypted_in_file(&URL) {
            return Ok(self);
        }
        Err(reader.conflict([&TOKEN, &URL], |[token, url]| {
            format!(
                "{token} is not sent to {} over plain HTTP, because {url} comes from a file: use https://, or give the address with --url",
                self.url
            )
        }))
    }
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
    pub(crate) environment: &'a Snapshot,
    pub(crate) output: &'a mut Output,
}

impl ConnectionArgs {
    /// Opens a session. Sends nothing.
    ///
    /// # Errors
    /// If settings cannot be used or the HTTP client cannot be set up.
    pub(crate) fn open<'a>(
        self,
        environment: &'a Snapshot,
        output: &'a mut Output,
    ) -> Result<Session<'a>, ClientError> {
        let settings = read(&self.flags.over(environment), |reader| {
            ConnectionSettings::read(reader)?.protect_token(reader)
        })?;
        Session::open(settings, self.format(), environment, output)
    }

    /// Returns how responses are to be shown.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Table }
    }
}

impl<'a> Session<'a> {
    /// Opens a session. Sends nothing.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub(crate) fn open(
        settings: ConnectionSettings,
        format: Format,
        environment: &'a Snapshot,
        output: &'a mut Output,
    ) -> Result<Self, ClientError> {
        let api = Api::new(settings.url, settings.token.as_deref())?;
        Ok(Self { api, format, environment, output })
    }

    /// Writes a JSON body, indented.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(crate) fn write_json(&mut self, body: &str) -> Result<(), ClientError> {
        Ok(self.output.json(&pretty(body))?)
    }
}
