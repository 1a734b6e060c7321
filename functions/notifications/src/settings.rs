//! Who sends messages.

use aws_config::SdkConfig;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use crate::providers::Providers;
use crate::providers::aws::{SesProvider, SnsSmsProvider};
use crate::providers::smtp::SmtpProvider;

const MAIL_PROVIDER: &str = "MAIL_PROVIDER";
const SMS_PROVIDER: &str = "SMS_PROVIDER";
const SMTP_URL: &str = "SMTP_URL";
const MAIL_FROM: &str = "MAIL_FROM";

/// Whom e-mail comes from where `MAIL_FROM` does not say.
const DEFAULT_FROM: &str = "Orderflow <orders@localhost>";

/// A setting of the environment that cannot be used. `SMTP_URL` is never quoted: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderSettingsError {
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
    /// A variable names no provider.
    #[error("{name}={value:?} must be {known}")]
    Provider {
        /// The variable.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        known: &'static str,
    },
    /// The provider cannot do without another variable.
    #[error("{provider} needs {name}")]
    Missing {
        /// The variable and the provider that it names.
        provider: &'static str,
        /// The variable that is missing.
        name: &'static str,
    },
}

/// Who sends e-mail and short messages.
#[derive(Debug)]
pub struct ProviderSettings {
    mail: Mail,
    sms: Sms,
}

#[derive(Debug)]
enum Mail {
    Log,
    Smtp(Box<SmtpProvider>),
    Ses(Mailbox),
}

#[derive(Debug)]
enum Sms {
    Log,
    Sns,
}

impl ProviderSettings {
    /// The providers that the environment asks for. An empty variable counts as unset.
    ///
    /// - `MAIL_PROVIDER`: `smtp`, the server at `SMTP_URL` (`smtp://`, with `?tls=required` for STARTTLS, or `smtps://`); `ses`, Amazon SES;
    ///   `log`. Unset, it is `smtp` where `SMTP_URL` is set, and `log` where it is not. E-mail comes from `MAIL_FROM`.
    /// - `SMS_PROVIDER`: `sns`, Amazon SNS; `log`, the default.
    ///
    /// # Errors
    /// [`ProviderSettingsError`] names the variable that cannot be used.
    pub fn from_environment() -> Result<Self, ProviderSettingsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The providers that these variables ask for.
    ///
    /// # Errors
    /// As [`ProviderSettings::from_environment`].
    pub fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ProviderSettingsError> {
        // Compose files and templates cannot leave a variable out, only empty.
        let set = |name| variable(name).filter(|value| !value.is_empty());
        Ok(Self { mail: mail(&set)?, sms: sms(&set)? })
    }

    /// The providers themselves. `aws` is only waited for where one of them is of AWS.
    pub async fn open(self, aws: impl Future<Output = SdkConfig>) -> Providers {
        let needs_aws = matches!(self.mail, Mail::Ses(_)) || matches!(self.sms, Sms::Sns);
        let aws = if needs_aws { aws.await } else { SdkConfig::builder().build() };
        let providers = match self.mail {
            Mail::Log => Providers::default(),
            Mail::Smtp(smtp) => Providers::default().with_mail(*smtp),
            Mail::Ses(from) => Providers::default().with_mail(SesProvider::new(&aws, from)),
        };
        match self.sms {
            Sms::Log => providers,
            Sms::Sns => providers.with_sms(SnsSmsProvider::new(&aws)),
        }
    }
}

fn mail(set: &impl Fn(&'static str) -> Option<String>) -> Result<Mail, ProviderSettingsError> {
    let url = set(SMTP_URL);
    let provider = set(MAIL_PROVIDER);
    let derived = if url.is_some() { "smtp" } else { "log" };
    match provider.as_deref().unwrap_or(derived) {
        "log" => Ok(Mail::Log),
        "smtp" => {
            let missing = ProviderSettingsError::Missing { provider: "MAIL_PROVIDER=smtp", name: SMTP_URL };
            Ok(Mail::Smtp(Box::new(smtp(&url.ok_or(missing)?, mailbox(set(MAIL_FROM))?)?)))
        }
        "ses" => {
            // SES takes no address that it did not verify, so there is no default.
            let missing = ProviderSettingsError::Missing { provider: "MAIL_PROVIDER=ses", name: MAIL_FROM };
            Ok(Mail::Ses(mailbox(Some(set(MAIL_FROM).ok_or(missing)?))?))
        }
        other => Err(unknown(MAIL_PROVIDER, other, "smtp, ses or log")),
    }
}

fn sms(set: &impl Fn(&'static str) -> Option<String>) -> Result<Sms, ProviderSettingsError> {
    match set(SMS_PROVIDER).as_deref() {
        None | Some("log") => Ok(Sms::Log),
        Some("sns") => Ok(Sms::Sns),
        Some(other) => Err(unknown(SMS_PROVIDER, other, "sns or log")),
    }
}

fn unknown(name: &'static str, value: &str, known: &'static str) -> ProviderSettingsError {
    ProviderSettingsError::Provider { name, value: value.to_owned(), known }
}

fn smtp(url: &str, from: Mailbox) -> Result<SmtpProvider, ProviderSettingsError> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|error| ProviderSettingsError::SmtpUrl(error.to_string()))?;
    Ok(SmtpProvider::new(transport.build(), from))
}

fn mailbox(value: Option<String>) -> Result<Mailbox, ProviderSettingsError> {
    let value = value.unwrap_or_else(|| DEFAULT_FROM.to_owned());
    let parsed = value.parse::<Mailbox>();
    parsed.map_err(|error| ProviderSettingsError::MailFrom { value, reason: error.to_string() })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
