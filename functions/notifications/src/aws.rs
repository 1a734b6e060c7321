//! Amazon SES for e-mail, Amazon SNS for short messages.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_sdk_sns::types::MessageAttributeValue;
use lettre::message::Mailbox;
use orderflow_domain::{Email, Phone, Recipient};

use crate::channel::ChannelError;
use crate::message::Message;
use crate::mime;
use crate::providers::{MailProvider, SmsProvider};
use crate::redaction::without_addresses;

/// How long sending one message may take, the SDK's own retries included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The codes with which SES and SNS say of this message that they will never take it. All others are about the account, or pass.
const REFUSALS: [&str; 5] = [
    "BadRequestException",
    "InvalidParameter",
    "InvalidParameterValue",
    "MessageRejected",
    "ValidationException",
];

/// What SES's refusal says where not the message is to blame but an account that may not send as, or to, somebody yet.
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
    async fn send(&self, to: &Email, message: &Message) -> Result<(), ChannelError> {
        let email = mime::email(&self.from, to, message)?;
        let raw = RawMessage::builder().data(Blob::new(email.formatted()));
        let raw = raw.build().map_err(|error| ChannelError::Refused(error.to_string()))?;
        let sending = self
            .client
            .send_email()
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().raw(raw).build())
            .send();
        taken(sending.await, &message.recipient)
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
    async fn send(&self, to: &Phone, message: &Message) -> Result<(), ChannelError> {
        // Delivered before advertisements, as a message about an order should be.
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
        taken(sending.await, &message.recipient)
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(TIMEOUT).build()
}

/// Whether the service took the message.
fn taken<T, E>(sent: Result<T, SdkError<E>>, recipient: &Recipient) -> Result<(), ChannelError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = sent else { return Ok(()) };
    Err(match error.code() {
        Some(code) => refusal_or_not(code, error.message().unwrap_or_default(), recipient),
        None => {
            let on_the_way = DisplayErrorContext(&error).to_string();
            ChannelError::Unavailable(without_addresses(&on_the_way, recipient))
        }
    })
}

fn refusal_or_not(code: &str, words: &str, recipient: &Recipient) -> ChannelError {
    let reason = without_addresses(&format!("{code}: {words}"), recipient);
    if REFUSALS.contains(&code) && !words.contains(NOT_VERIFIED) {
        ChannelError::Refused(reason)
    } else {
        ChannelError::Unavailable(reason)
    }
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
