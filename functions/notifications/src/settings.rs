//! Which channel messages go out by.

use std::sync::Arc;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use crate::channel::{Channel, LogChannel};
use crate::smtp::SmtpChannel;

const SMTP_URL: &str = "SMTP_URL";
const MAIL_FROM: &str = "MAIL_FROM";

/// Whom e-mail comes from where `MAIL_FROM` does not say.
const DEFAULT_FROM: &str = "Orderflow <orders@localhost>";

/// A setting of the environment that cannot be used. `SMTP_URL` is never quoted: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelSettingsError {
    /// `SMTP_URL` is none.
    #[error("SMTP_URL must be a URL such as smtps://user:password@mail.example.com: {0}")]
    SmtpUrl(String),
    /// `MAIL_FROM` is no address.
    #[error("MAIL_FROM={value:?} must be an address such as Shop <orders@example.com>: {reason}")]
    MailFrom {
        /// What it is.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The channel that `SMTP_URL` and `MAIL_FROM` ask for: e-mail through the server at that URL
/// (`smtp://`, with `?tls=required` for STARTTLS, or `smtps://`), or all messages to the log where it is unset or empty.
///
/// # Errors
/// [`ChannelSettingsError`] names the variable that cannot be used.
pub fn channel_from_environment() -> Result<Arc<dyn Channel>, ChannelSettingsError> {
    Ok(match smtp_channel(|name| std::env::var(name).ok())? {
        Some(channel) => Arc::new(channel),
        None => Arc::new(LogChannel),
    })
}

fn smtp_channel(
    variable: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<SmtpChannel>, ChannelSettingsError> {
    // Compose files and templates cannot leave a variable out, only empty.
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let Some(url) = set(SMTP_URL) else { return Ok(None) };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)
        .map_err(|error| ChannelSettingsError::SmtpUrl(error.to_string()))?;
    let from = mailbox(set(MAIL_FROM).unwrap_or_else(|| DEFAULT_FROM.to_owned()))?;
    Ok(Some(SmtpChannel::new(transport.build(), from)))
}

fn mailbox(value: String) -> Result<Mailbox, ChannelSettingsError> {
    let parsed = value.parse::<Mailbox>();
    parsed.map_err(|error| ChannelSettingsError::MailFrom { value, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn channel(url: &str, from: &str) -> Result<Option<SmtpChannel>, ChannelSettingsError> {
        smtp_channel(|name| match name {
            SMTP_URL => Some(url.to_owned()),
            MAIL_FROM => Some(from.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn without_a_server_messages_are_logged() {
        assert!(smtp_channel(|_| None).unwrap().is_none());
        assert!(channel("", "").unwrap().is_none());
    }

    #[test]
    fn every_kind_of_url_is_taken() {
        for url in [
            "smtp://127.0.0.1:2525",
            "smtp://user:p%40ss@mail.example.com?tls=required",
            "smtps://user:pass@mail.example.com:465/shop.example.com",
        ] {
            for from in ["", "orders@example.com", "Büro <orders@example.com>"] {
                assert!(channel(url, from).unwrap().is_some(), "{url} {from}");
            }
        }
    }

    #[test]
    fn an_unusable_variable_is_named_and_no_password_shown() {
        for url in [
            "mail.example.com",
            "user:secret@mail.example.com:25",
            "http://user:secret@mail.example.com",
            "smtp://user:secret@mail.example.com?tls=maybe",
            "smtp://user:secret@mail.example.com:port",
            "smtp://user:secret%ff@mail.example.com",
        ] {
            let error = channel(url, "").unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with("SMTP_URL ") && !shown.contains("secret"), "{shown}");
        }
        for from in ["orders", "orders@", "Shop <orders@example.com"] {
            let error = channel("smtp://127.0.0.1", from).unwrap_err().to_string();
            assert!(error.starts_with("MAIL_FROM=") && error.contains(from), "{error}");
        }
    }

    #[test]
    fn the_channel_shows_no_credentials() {
        let channel = channel("smtps://anna:secret@mail.example.com", "").unwrap().unwrap();
        let shown = format!("{channel:?}");
        assert!(!shown.contains("anna") && !shown.contains("secret"), "{shown}");
    }
}
