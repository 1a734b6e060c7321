//! Removes addresses from the error messages of providers, which are logged.

use orderflow_domain::Recipient;

/// Replaces e-mail addresses in a text by `***`, and every word that contains the recipient's mailbox name or telephone number.
pub(crate) fn without_addresses(text: &str, recipient: &Recipient) -> String {
    let name = recipient.address().split('@').next().unwrap_or_default();
    let name = name.trim_start_matches('+').to_ascii_lowercase();
    let shown = |word| if is_address(word, &name) { "***" } else { word };
    text.split_whitespace().map(shown).collect::<Vec<_>>().join(" ")
}

fn is_address(word: &str, name: &str) -> bool {
    word.contains('@') || word.to_ascii_lowercase().contains(name)
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Email, Phone};

    use super::*;

    #[test]
    fn the_recipient_is_removed_in_every_form() {
        let email = Recipient::Email(Email::parse("Jane@example.com").unwrap());
        let text = "550 <jane@example.com>: user:JANE unknown, try j@example.net";
        assert_eq!(without_addresses(text, &email), "550 *** *** unknown, try ***");
        let phone = Recipient::Sms(Phone::parse("+4930123456").unwrap());
        let text = "Invalid parameter: +4930123456 (4930123456) is opted out";
        assert_eq!(without_addresses(text, &phone), "Invalid parameter: *** *** is opted out");
    }
}
