//! How a dead letter is shown: as the JSON of the API, and as text.

use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLetter, hide_payment_tokens};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::client::output::json_text::pretty;

/// A dead letter as the API shows it. `event` is the message if that is JSON, else a string with its text.
#[derive(Serialize, Deserialize)]
pub(super) struct LetterJson {
    id: String,
    consumer: String,
    code: String,
    reason: String,
    attempts: u32,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    event: Box<RawValue>,
}

impl From<LetterJson> for DeadLetter {
    fn from(json: LetterJson) -> Self {
        let event = json.event.get();
        Self {
            id: json.id,
            consumer: json.consumer,
            code: json.code,
            reason: json.reason,
            attempts: json.attempts,
            first_at: json.first_at,
            last_at: json.last_at,
            body: serde_json::from_str(event).unwrap_or_else(|_| event.to_owned()),
        }
    }
}

impl From<&DeadLetter> for LetterJson {
    fn from(letter: &DeadLetter) -> Self {
        let as_string = |body| to_raw_value(body).expect("a string always serialises");
        Self {
            id: letter.id.clone(),
            consumer: letter.consumer.clone(),
            code: letter.code.clone(),
            reason: letter.reason.clone(),
            attempts: letter.attempts,
            first_at: letter.first_at,
            last_at: letter.last_at,
            event: RawValue::from_string(letter.body.clone()).unwrap_or_else(|_| as_string(&letter.body)),
        }
    }
}

/// Returns a dead letter as the JSON of the API, without its payment token.
pub(super) fn to_json(letter: &DeadLetter) -> String {
    serialized(&shown(letter))
}

/// Hides the payment token, which a dead letter that was read from the broker itself has in the clear.
fn shown(letter: &DeadLetter) -> LetterJson {
    let body = hide_payment_tokens(&letter.body).into_owned();
    LetterJson::from(&DeadLetter { body, ..letter.clone() })
}

/// Returns dead letters as the JSON of a listing of the API.
pub(super) fn list_to_json(letters: &[DeadLetter]) -> String {
    #[derive(Serialize)]
    struct List {
        dead_letters: Vec<LetterJson>,
    }
    serialized(&List { dead_letters: letters.iter().map(shown).collect() })
}

fn serialized(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain fields with text keys always serialise")
}

/// Returns the message, indented if it is JSON.
pub(super) fn indented(letter: &DeadLetter) -> String {
    match serde_json::from_str::<&RawValue>(&letter.body) {
        Ok(json) => pretty(json.get()),
        Err(_) => letter.body.clone(),
    }
}

/// Returns a time as text, or "unknown".
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "unknown".to_owned(), |at| at.to_string())
}

/// Returns a number of dead letters in words.
pub(super) fn dead_letters(count: u64) -> String {
    match count {
        1 => "1 dead letter".to_owned(),
        _ => format!("{count} dead letters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str) -> DeadLetter {
        DeadLetter {
            id: "a".to_owned(),
            consumer: "payment".to_owned(),
            code: "undecodable".to_owned(),
            reason: "no envelope".to_owned(),
            attempts: 1,
            first_at: None,
            last_at: Some(Timestamp::from_millis(0)),
            body: body.to_owned(),
        }
    }

    #[test]
    fn every_message_survives_the_conversion_to_json_and_back() {
        for body in [r#"{"z":1.10,"a":[]}"#, "7", "{ no", "", "two\nlines"] {
            let json: LetterJson = serde_json::from_str(&to_json(&letter(body))).unwrap();
            assert_eq!(DeadLetter::from(json), letter(body), "{body}");
        }
    }

    #[test]
    fn a_list_has_the_shape_of_the_api() {
        let list: serde_json::Value =
            serde_json::from_str(&list_to_json(&[letter("{}"), letter("x")])).unwrap();
        assert_eq!(list["dead_letters"][0]["event"], serde_json::json!({}));
        assert_eq!(list["dead_letters"][1]["event"], "x");
    }

    #[test]
    fn payment_tokens_are_not_shown() {
        let placed = letter(r#"{"data":{"payment_token":"tok_1"}}"#);
        for shown in [to_json(&placed), list_to_json(&[placed])] {
            assert!(shown.contains(r#""payment_token":"***""#), "{shown}");
        }
    }

    #[test]
    fn only_json_is_indented() {
        assert_eq!(indented(&letter(r#" {"a":1} "#)), "{\n  \"a\": 1\n}");
        assert_eq!(indented(&letter("{ no")), "{ no");
    }
}
