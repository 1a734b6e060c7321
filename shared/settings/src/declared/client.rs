//! How the commands of a client reach the server.

use crate::Kind::{HttpUrl, Text};
use crate::Program::{Client, Dlq};
use crate::Secrecy::{Credentials, Secret};
use crate::{Section, Setting};

/// The address of a running system.
pub static URL: Setting = Setting::new("ORDERFLOW_URL", HttpUrl, Section::Client)
    .flag("url")
    .default("http://127.0.0.1:8080")
    .help("The address of the running system.")
    .secrecy(Credentials)
    .read_by(&[Client, Dlq]);

/// The token that client commands authenticate with.
pub static TOKEN: Setting = Setting::new(
    "ORDERFLOW_TOKEN",
    Text { placeholder: "TOKEN", allowed: "a token that an HTTP header can carry: visible ASCII characters" },
    Section::Client,
)
.flag("token")
.help("The token to authenticate with, sent as `Authorization: Bearer`. Prefer the variable: other users can see the flags of a process.")
.secrecy(Secret)
.read_by(&[Client, Dlq]);
