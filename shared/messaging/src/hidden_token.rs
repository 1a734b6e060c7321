//! Hides payment tokens in messages that are shown to operators.

use std::borrow::Cow;

use orderflow_domain::{Event, EventData, PaymentToken};

/// The name of the field, in every event that has it.
const FIELD: &str = "\"payment_token\"";

/// What is shown instead of a payment token.
pub const HIDDEN_TOKEN: &str = "***";

/// Returns a message with `***` in place of each payment token. The rest of the text is unchanged. The text may be broken JSON.
pub fn hide_payment_tokens(body: &str) -> Cow<'_, str> {
    if !body.contains(FIELD) {
        return Cow::Borrowed(body);
    }
    let (mut shown, mut rest) = (String::with_capacity(body.len()), body);
    while let Some(at) = rest.find(FIELD) {
        let (before, after) = rest.split_at(at + FIELD.len());
        let start = after.len() - after.trim_start_matches([' ', '\t', '\r', '\n', ':']).len();
        let (separator, value) = after.split_at(start);
        let end = value_end(value);
        shown.push_str(before);
        shown.push_str(separator);
        match &value[..end] {
            kept @ ("" | "null") => shown.push_str(kept),
            _ if separator.contains(':') => {
                shown.push('"');
                shown.push_str(HIDDEN_TOKEN);
                shown.push('"');
            }
            other => shown.push_str(other),
        }
        rest = &value[end..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Returns where the JSON value at the start of the text ends: a string after its closing quote, any other value before the next separator.
fn value_end(text: &str) -> usize {
    let Some(string) = text.strip_prefix('"') else {
        return text.find([',', '}', ']', ' ', '\n']).unwrap_or(text.len());
    };
    let mut is_escaped = false;
    for (position, c) in string.char_indices() {
        match c {
            '"' if !is_escaped => return position + 2,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// Puts the payment token of the original message into an edited event that has `***` in its place.
#[must_use]
pub fn restore_payment_token(mut edited: Event, original: &str) -> Event {
    let is_hidden = |token: &&mut PaymentToken| token.as_str() == HIDDEN_TOKEN;
    if let Some(shown) =
        token_of(&mut edited.data).as_mut().and_then(|token| token.as_mut().filter(is_hidden))
        && let Ok(mut original) = Event::from_json(original)
        && let Some(token) = token_of(&mut original.data).and_then(Option::take)
    {
        *shown = token;
    }
    edited
}

fn token_of(data: &mut EventData) -> Option<&mut Option<PaymentToken>> {
    match data {
        EventData::OrderPlaced(data) => Some(&mut data.payment_token),
        EventData::InventoryReserved(data) => Some(&mut data.payment_token),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Currency, InventoryReserved, Money, OrderId, Timestamp};

    use super::*;

    fn reserved(token: Option<&str>) -> Event {
        let total = Money { amount: 100, currency: Currency::parse("USD").unwrap() };
        let order_id = OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap();
        let payment_token = token.map(|token| PaymentToken::parse(token).unwrap());
        let data = InventoryReserved { order_id, total, payment_token };
        Event::new(EventData::InventoryReserved(data), "", Timestamp::from_millis(0), None)
    }

    #[test]
    fn a_token_is_hidden_in_every_message_and_the_rest_is_unchanged() {
        for (body, shown) in [
            (r#"{"payment_token":"tok_1","z":1.10}"#, r#"{"payment_token":"***","z":1.10}"#),
            (r#"{"payment_token" : "a\"b\\", "b": 1}"#, r#"{"payment_token" : "***", "b": 1}"#),
            (
                r#"[{"payment_token":"a"},{"payment_token":"b"}]"#,
                r#"[{"payment_token":"***"},{"payment_token":"***"}]"#,
            ),
            (r#"{"payment_token":4242424242424242,"a":1}"#, r#"{"payment_token":"***","a":1}"#),
            (r#"{"payment_token":null}"#, r#"{"payment_token":null}"#),
            (r#"{"data":{"payment_token":"tok_cut_o"#, r#"{"data":{"payment_token":"***""#),
            (r#"{"payment_token""#, r#"{"payment_token""#),
            ("no event", "no event"),
        ] {
            assert_eq!(hide_payment_tokens(body), shown);
        }
    }

    #[test]
    fn an_edited_event_keeps_its_token_unless_another_one_is_set() {
        let original = reserved(Some("tok_1")).to_json();
        let shown = Event::from_json(&hide_payment_tokens(&original)).unwrap();
        assert_eq!(restore_payment_token(shown, &original), reserved(Some("tok_1")));
        assert_eq!(restore_payment_token(reserved(Some("tok_2")), &original), reserved(Some("tok_2")));
        assert_eq!(restore_payment_token(reserved(None), &original), reserved(None));
    }
}
