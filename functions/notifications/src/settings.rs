//! The providers of e-mail and SMS.

use aws_config::SdkConfig;
use lettre::Address;
use lettre::message::Mailbox;
use orderflow_settings::declared::{MAIL_FROM, MAIL_PROVIDER, SMS_PROVIDER, SMTP_URL};
use orderflow_settings::{NotAllowed, Reader, Refused};
use url::Host;

use crate::providers::Providers;
use crate::providers::aws::{SesProvider, SnsSmsProvider};
use crate::providers::smtp::SmtpProvider;
use crate::providers::smtp_server::SmtpServer;

/// The providers of e-mail and SMS.
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
    /// Reads the providers.
    ///
    /// - `MAIL_PROVIDER`: `smtp`, the server at `SMTP_URL` (`smtp://`, with `?tls=required` for STARTTLS, or `smtps://`); `ses`, Amazon SES;
    ///   `log`, which only logs each message. The default is `smtp` if `SMTP_URL` is set, and `log` otherwise. `MAIL_FROM` is the sender.
    /// - `SMS_PROVIDER`: `sns`, Amazon SNS; `log`, the default.
    ///
    /// # Errors
    /// [`Refused`] if a setting that the provider needs is missing or invalid.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let sms = match reader.one_of(&SMS_PROVIDER) {
            Some("sns") => Sms::Sns,
            _ => Sms::Log,
        };
        Ok(Self { mail: mail(reader)?, sms })
    }

    /// Opens the providers. Waits for `aws` only if one of them belongs to AWS.
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

fn mail(reader: &mut Reader<'_>) -> Result<Mail, Refused> {
    let server = reader.optional(&SMTP_URL, |url| SmtpServer::parse(url.trim()).map_err(|_| NotAllowed));
    let from = reader.value(&MAIL_FROM, sender);
    let derived = if reader.is_given(&SMTP_URL) { "smtp" } else { "log" };
    match reader.one_of(&MAIL_PROVIDER).unwrap_or(derived) {
        "smtp" => {
            let server = reader.require(&SMTP_URL, "by MAIL_PROVIDER=smtp", server)?;
            Ok(Mail::Smtp(Box::new(SmtpProvider::new(server, from))))
        }
        "ses" => {
            // SES sends only from verified addresses, so the default does not work.
            let given = reader.is_given(&MAIL_FROM).then_some(from);
            Ok(Mail::Ses(reader.require(&MAIL_FROM, "by MAIL_PROVIDER=ses", given)?))
        }
        _ => Ok(Mail::Log),
    }
}

/// Parses the sender. A domain in another script is converted to its ASCII form (punycode, RFC 5891), because a server without
/// SMTPUTF8 (RFC 6531) accepts no other; a mailbox name has no such form.
fn sender(text: &str) -> Result<Mailbox, NotAllowed> {
    let mailbox: Mailbox = text.parse().map_err(|_| NotAllowed)?;
    if mailbox.email.to_string().is_ascii() {
        return Ok(mailbox);
    }
    let domain = Host::parse(mailbox.email.domain()).map_err(|_| NotAllowed)?.to_string();
    let address = Address::new(mailbox.email.user(), domain).map_err(|_| NotAllowed)?;
    if address.to_string().is_ascii() { Ok(Mailbox::new(mailbox.name, address)) } else { Err(NotAllowed) }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
