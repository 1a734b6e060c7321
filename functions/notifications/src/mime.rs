//! A message as an e-mail (RFC 5322).

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use orderflow_domain::Email;

use crate::channel::ChannelError;
use crate::message::Message;

/// The e-mail that a message becomes. Its `Message-ID` is the same however often the message is sent.
///
/// # Errors
/// [`ChannelError::Refused`] where the address is none for SMTP.
pub(crate) fn email(from: &Mailbox, to: &Email, message: &Message) -> Result<lettre::Message, ChannelError> {
    // Few addresses are valid in a browser and not in SMTP, such as those with two dots in a row.
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

/// Keeps absence notes from being sent in answer (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn refused(error: impl std::error::Error) -> ChannelError {
    ChannelError::Refused(error.to_string())
}
