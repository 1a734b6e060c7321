//! Formats a message as an e-mail (RFC 5322).

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use orderflow_domain::Email;

use crate::channel::{ChannelError, Message};

/// Formats a message as an e-mail. Its `Message-ID` is the same whenever the message is sent.
///
/// # Errors
/// [`ChannelError::Refused`] if the address is not valid for SMTP.
pub(crate) fn email(from: &Mailbox, to: &Email, message: &Message) -> Result<lettre::Message, ChannelError> {
    let address = to.as_str().parse().map_err(refused)?;
    lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, address))
        .subject(message.subject.clone().unwrap_or_default())
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .raw_header(automatic())
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.clone())
        .map_err(refused)
}

/// Returns the header that prevents automatic replies such as absence notes (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn refused(error: impl std::error::Error) -> ChannelError {
    ChannelError::Refused(error.to_string())
}
