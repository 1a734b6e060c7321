//! E-mail addresses and telephone numbers of customers. All types shorten them in `Debug` output, so that logs hold no address.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{parsed_string, string_conversions};

const MAX_EMAIL: usize = 254;
const MAX_LOCAL_PART: usize = 64;

/// The trunk prefix as people write it in an international number: `+49 (0) 30 1234567` (ITU-T E.123 advises against it).
const TRUNK_PREFIX: &str = "(0)";

/// An e-mail address that both browsers (WHATWG HTML, "valid e-mail address") and mail servers (RFC 5321, `Dot-string`) accept, at most
/// 254 characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// A text that is not a valid [`Email`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.com")]
pub struct EmailError;

impl Email {
    /// Parses an address.
    ///
    /// # Errors
    /// [`EmailError`] for a text that is not an e-mail address, or has more than 64 characters before the `@` or more than 254 in total.
    /// Before the `@`, a dot must stand between two other characters: browsers accept `a..b@example.com`, mail servers do not.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let email = Self::parse_stored(text)?;
        let dots_separate = email.local_part().split('.').all(|part| !part.is_empty());
        if dots_separate { Ok(email) } else { Err(EmailError) }
    }

    /// Parses an address of an order or event. Earlier versions accepted a dot anywhere before the `@`; such orders stay readable, and the
    /// mailer refuses the address.
    fn parse_stored(text: &str) -> Result<Self, EmailError> {
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        let local_allowed = !local.is_empty()
            && local.len() <= MAX_LOCAL_PART
            && local
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte));
        if local_allowed && text.len() <= MAX_EMAIL && domain.split('.').all(is_domain_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EmailError)
        }
    }

    fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }
}

fn is_domain_label(label: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    label.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.split_once('@').map_or("", |(_, domain)| domain);
        write!(f, "{}***@{domain}", &self.0[..1])
    }
}

string_conversions!(Email, EmailError);

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_stored(&text).map_err(serde::de::Error::custom)
    }
}

/// A telephone number in E.164 form: `+` and 7 to 15 digits. Parsing drops spaces, dots, hyphens and parentheses, and the trunk prefix
/// `(0)`, which is dialled only inside a country.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// A text that is not a valid [`Phone`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number with its country code, such as +49 30 1234567")]
pub struct PhoneError;

impl Phone {
    /// Parses a number.
    ///
    /// # Errors
    /// [`PhoneError`] for a text without country code, with other characters, or with fewer than 7 or more than 15 digits.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let number: String =
            text.replacen(TRUNK_PREFIX, "", 1).chars().filter(|c| !" .-()".contains(*c)).collect();
        let digits = number.strip_prefix('+').ok_or(PhoneError)?;
        let well_formed = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if well_formed { Ok(Self(number)) } else { Err(PhoneError) }
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "***{}", &self.0[self.0.len() - 2..])
    }
}

parsed_string!(Phone, PhoneError);

/// A channel that reaches customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Channel)]
pub enum ChannelKind {
    /// E-mail.
    Email,
    /// Short message (SMS) to a telephone.
    Sms,
}

impl ChannelKind {
    /// All channels.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// The recipient of a message. Its `Debug` output shows no whole address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "channel", content = "recipient", rename_all = "snake_case")]
#[schema(description = "The channel and the recipient's address.")]
pub enum Recipient {
    /// An e-mail address.
    Email(Email),
    /// A telephone number.
    Sms(Phone),
}

impl Recipient {
    /// Returns the channel that reaches the recipient.
    pub const fn channel(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Sms(_) => ChannelKind::Sms,
        }
    }

    /// Returns the whole address or number. Not for logs.
    pub fn address(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Sms(phone) => phone.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses_are_checked() {
        for valid in ["c100@example.com", "a.b+tag@sub.example.co", "o'hara@example.org", "root@localhost"] {
            assert_eq!(Email::parse(valid).unwrap().as_str(), valid);
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in ["", "a", "@b.c", "a@", "a@@b.c", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\n", "ä@b.c", &long]
        {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_dot_at_an_edge_or_beside_another_is_refused() {
        for bad in ["a..b@example.com", ".a@example.com", "a.@example.com", ".@example.com"] {
            assert_eq!(Email::parse(bad), Err(EmailError), "{bad}");
            let stored: Email = serde_json::from_value(serde_json::json!(bad)).unwrap();
            assert_eq!(stored.as_str(), bad);
        }
    }

    #[test]
    fn telephone_numbers_are_normalised_and_checked() {
        for spelling in ["+49 (30) 123-4567", "+49 (0) 30 1234567", "+49(0)30.1234567"] {
            assert_eq!(Phone::parse(spelling).unwrap().as_str(), "+49301234567", "{spelling}");
        }
        for bad in ["", "+", "0301234567", "+0301234567", "+12345", "+1234567890123456", "+49abc12345"] {
            assert!(Phone::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_hides_addresses_and_numbers() {
        let shown = format!(
            "{:?} {:?}",
            Email::parse("jane@example.com").unwrap(),
            Phone::parse("+4930123456").unwrap()
        );
        assert_eq!(shown, "j***@example.com ***56");
    }
}
