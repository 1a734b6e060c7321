//! What a provider says, fit for logs.

use orderflow_domain::Recipient;

/// A provider's words without the addresses that they hold, and without the recipient's mailbox or number in whatever form.
pub(crate) fn without_addresses(words: &str, recipient: &Recipient) -> String {
    let name = recipient.address().split('@').next().unwrap_or_default();
    let name = name.trim_start_matches('+').to_ascii_lowercase();
    let shown = |word| if is_address(word, &name) { "***" } else { word };
    words.split_whitespace().map(shown).collect::<Vec<_>>().join(" ")
}

fn is_address(word: &str, name: &str) -> bool {
    word.contains('@') || word.to_ascii_lowercase().contains(name)
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Email, Phone};

    use super::*;

    #[test]
    fn no_form_of_the_recipient_is_left() {
        let email = Recipient::Email(Email::parse("Jane@example.com").unwrap());
        let said = "550 <jane@example.com>: user:JANE unknown, try j@example.net";
        assert_eq!(without_addresses(said, &email), "550 *** *** unknown, try ***");
        let phone = Recipient::Sms(Phone::parse("+4930123456").unwrap());
        let said = "Invalid parameter: +4930123456 (4930123456) is opted out";
        assert_eq!(without_addresses(said, &phone), "Invalid parameter: *** *** is opted out");
    }
}
