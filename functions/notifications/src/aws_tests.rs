#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use aws_sdk_sesv2::error::ErrorMetadata;

use super::*;

fn answered(code: &str, words: &str) -> ChannelError {
    let meta = ErrorMetadata::builder().code(code).message(words).build();
    let jane = Recipient::Email(Email::parse("jane@example.com").unwrap());
    failure(&meta, String::new(), &jane)
}

#[test]
fn what_is_wrong_with_the_message_is_refused_for_good() {
    for code in REFUSALS {
        let error = answered(code, "jane@example.com is on the list");
        assert_eq!(error, ChannelError::Refused(format!("{code}: *** is on the list")));
    }
}

#[test]
fn what_is_not_about_the_message_is_tried_again() {
    for (code, words) in [
        ("TooManyRequestsException", "Maximum sending rate exceeded."),
        ("SendingPausedException", "Sending is paused."),
        ("AccessDeniedException", "no identity-based policy allows it"),
        ("MessageRejected", "Email address is not verified: jane@example.com"),
    ] {
        let error = answered(code, words);
        assert!(matches!(error, ChannelError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("jane"), "{error}");
    }
    let jane = Recipient::Email(Email::parse("jane@example.com").unwrap());
    let unanswered =
        failure(&ErrorMetadata::builder().build(), "timeout, jane@example.com waits".to_owned(), &jane);
    assert_eq!(unanswered, ChannelError::Unavailable("timeout, *** waits".to_owned()));
}
