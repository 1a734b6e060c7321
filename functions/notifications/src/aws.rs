//! Amazon SES for e-mail, Amazon SNS for short messages.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{DisplayErrorContext, ProvideErrorMetadata};
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
        match sending.await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(failure(error.meta(), DisplayErrorContext(&error).to_string(), &message.recipient))
            }
        }
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
        match sending.await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(failure(error.meta(), DisplayErrorContext(&error).to_string(), &message.recipient))
            }
        }
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(TIMEOUT).build()
}

/// What a failed call says of the message: by its code, where the service answered, otherwise by what went wrong on the way.
fn failure(
    meta: &aws_sdk_sesv2::error::ErrorMetadata,
    on_the_way: String,
    recipient: &Recipient,
) -> ChannelError {
    let Some(code) = meta.code() else {
        return ChannelError::Unavailable(without_addresses(&on_the_way, recipient));
    };
    let words = meta.message().unwrap_or_default();
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
