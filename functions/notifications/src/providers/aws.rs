//! E-mail through Amazon SES, short messages through Amazon SNS.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_sdk_sns::types::MessageAttributeValue;
use lettre::message::Mailbox;
use orderflow_domain::{Email, Phone, Recipient};
use orderflow_errors::causes;

use super::mime;
use super::redaction::without_addresses;
use super::{MailProvider, SmsProvider};
use crate::channel::{ChannelError, Message};
use crate::turns::Turn;

/// The longest time to send one message, including the SDK's own retries.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The error codes of SES and SNS for a message that they will never accept. All other codes are about the account or are
/// temporary.
const REFUSALS: [&str; 7] = [
    "BadRequestException",
    "InvalidParameter",
    "InvalidParameterValue",
    "MessageRejected",
    "OptedOut",
    "OptedOutException",
    "ValidationException",
];

/// Parts of the text of a `MessageRejected` that is about the account: sending is suspended, or its sender is not verified.
const ABOUT_THE_ACCOUNT: [&str; 3] = [NOT_VERIFIED, "for this account", "suspended"];

/// Part of the text of a `MessageRejected` that lists addresses which are not verified.
const NOT_VERIFIED: &str = "not verified";

/// Sends e-mail through Amazon SES. SES gives each e-mail a `Message-ID` of its own.
#[derive(Debug)]
pub(crate) struct SesProvider {
    client: aws_sdk_sesv2::Client,
    from: Mailbox,
}

impl SesProvider {
    pub(crate) fn new(aws: &SdkConfig, from: Mailbox) -> Self {
        let config = aws_sdk_sesv2::config::Builder::from(aws).timeout_config(timeouts());
        Self { client: aws_sdk_sesv2::Client::from_conf(config.build()), from }
    }
}

#[async_trait]
impl MailProvider for SesProvider {
    async fn send(&self, to: &Email, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        let email = mime::email(&self.from, to, message)?;
        let raw = RawMessage::builder().data(Blob::new(email.formatted()));
        let raw = raw.build().map_err(|error| ChannelError::Refused(error.to_string()))?;
        let sending = self
            .client
            .send_email()
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().raw(raw).build())
            .send();
        turn.wait().await?;
        result_of(sending.await, &message.recipient)
    }
}

/// Sends short messages through Amazon SNS.
#[derive(Debug)]
pub(crate) struct SnsSmsProvider {
    client: aws_sdk_sns::Client,
}

impl SnsSmsProvider {
    pub(crate) fn new(aws: &SdkConfig) -> Self {
        let config = aws_sdk_sns::config::Builder::from(aws).timeout_config(timeouts());
        Self { client: aws_sdk_sns::Client::from_conf(config.build()) }
    }
}

#[async_trait]
impl SmsProvider for SnsSmsProvider {
    async fn send(&self, to: &Phone, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        // SNS delivers transactional messages with priority over promotional ones.
        let transactional =
            MessageAttributeValue::builder().data_type("String").string_value("Transactional").build();
        let transactional = transactional.map_err(|error| ChannelError::Refused(error.to_string()))?;
        let sending = self
            .client
            .publish()
            .phone_number(to.as_str())
            .message(&message.body)
            .message_attributes("AWS.SNS.SMS.SMSType", transactional)
            .send();
        turn.wait().await?;
        result_of(sending.await, &message.recipient)
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(TIMEOUT).build()
}

/// Converts the answer of the service.
fn result_of<T, E>(sent: Result<T, SdkError<E>>, recipient: &Recipient) -> Result<(), ChannelError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = sent else { return Ok(()) };
    Err(match error.code() {
        Some(code) => error_of(code, error.message().unwrap_or_default(), recipient),
        None => ChannelError::Unavailable(without_addresses(&causes(&error), recipient)),
    })
}

fn error_of(code: &str, message: &str, recipient: &Recipient) -> ChannelError {
    let reason = without_addresses(&format!("{code}: {message}"), recipient);
    if !REFUSALS.contains(&code) {
        ChannelError::Unavailable(reason)
    } else if is_unverified_recipient(message, recipient) {
        ChannelError::RecipientUnavailable(reason)
    } else if ABOUT_THE_ACCOUNT.iter().any(|part| message.contains(part)) {
        ChannelError::Unavailable(reason)
    } else {
        ChannelError::Refused(reason)
    }
}

/// Returns whether an account in the sandbox may not send to this recipient. SES lists all addresses that are not verified, so a list of
/// one does not contain the sender.
fn is_unverified_recipient(message: &str, recipient: &Recipient) -> bool {
    let Some((_, listed)) = message.split_once(NOT_VERIFIED) else { return false };
    listed.matches('@').count() == 1 && listed.to_lowercase().contains(&recipient.address().to_lowercase())
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
