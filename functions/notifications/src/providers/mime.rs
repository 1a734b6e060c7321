//! Formats a message as an e-mail (RFC 5322).

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use orderflow_domain::Email;

use crate::channel::{ChannelError, Message};

/// The longest word of a subject that is not encoded. Lines can be folded only between words (RFC 5322, section 2.2.3).
const MAX_WORD: usize = 60;

/// The longest encoded word (RFC 2047, section 2).
const MAX_ENCODED_WORD: usize = 75;

/// Formats a message as an e-mail. Its `Message-ID` is the same whenever the message is sent. The body is quoted-printable or Base64 unless
/// it is ASCII in short lines, and headers are folded and encoded, so that no line has more than 998 octets.
///
/// # Errors
/// [`ChannelError::Refused`] if the address is not valid for SMTP.
pub(crate) fn email(from: &Mailbox, to: &Email, message: &Message) -> Result<lettre::Message, ChannelError> {
    let address = to.as_str().parse().map_err(refused)?;
    lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, address))
        .raw_header(subject(message.subject.as_deref().unwrap_or_default()))
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .raw_header(automatic())
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.clone())
        .map_err(refused)
}

/// Returns the subject. Lettre encodes words that are not ASCII; words that are too long for a line, or look like an encoded word, are
/// encoded here.
fn subject(text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    let is_plain = text.split(' ').all(|word| word.len() <= MAX_WORD) && !text.contains("=?");
    if is_plain {
        return HeaderValue::new(name, text.to_owned());
    }
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), encoded_words(text))
}

/// Encodes a text as encoded words of the Q encoding (RFC 2047), each on a line of its own. No character is split between two words.
fn encoded_words(text: &str) -> String {
    const BEGINNING: &str = "=?utf-8?q?";
    let mut words = vec![BEGINNING.to_owned()];
    for c in text.chars() {
        let encoded: String = c.to_string().bytes().map(encoded_byte).collect();
        if words.last().is_some_and(|word| word.len() + encoded.len() + "?=".len() > MAX_ENCODED_WORD) {
            words.push(BEGINNING.to_owned());
        }
        if let Some(word) = words.last_mut() {
            word.push_str(&encoded);
        }
    }
    let words: Vec<String> = words.into_iter().map(|word| word + "?=").collect();
    words.join("\r\n ")
}

fn encoded_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("={byte:02X}") }
}

/// Returns the header that prevents automatic replies such as absence notes (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn refused(error: impl std::error::Error) -> ChannelError {
    ChannelError::Refused(error.to_string())
}
