use std::fmt;

use super::*;

#[derive(Debug)]
struct Outer(&'static str, Option<Box<Outer>>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|inner| inner as _)
    }
}

fn chain(texts: &[&'static str]) -> Outer {
    let (first, rest) = texts.split_first().unwrap();
    Outer(first, (!rest.is_empty()).then(|| Box::new(chain(rest))))
}

#[test]
fn an_error_is_one_text_with_its_causes_and_no_credentials() {
    for (texts, expected) in [
        (&["dispatch failure", "io error", "refused"][..], "dispatch failure: io error: refused"),
        (&["cannot open x: denied", "denied"], "cannot open x: denied"),
        (&["cannot reach http://shop:s3cret@h/p", ""], "cannot reach http://***@h/p"),
    ] {
        assert_eq!(causes(&chain(texts)), expected);
    }
}

#[test]
fn what_a_service_said_is_the_reason() {
    let error = chain(&["service error", "refused"]);
    assert_eq!(
        reason(Some("Denied"), Some("no rights at http://a:b@c"), &error),
        "Denied: no rights at http://***@c"
    );
    assert_eq!(reason(None, Some("no rights"), &error), "no rights");
    assert_eq!(reason(Some("Denied"), None, &error), "Denied");
    assert_eq!(reason(None, None, &error), "service error: refused");
}

#[test]
fn credentials_of_every_url_in_a_text_are_hidden() {
    for (text, shown) in [
        ("no url, a@b", "no url, a@b"),
        ("http://h/p", "http://h/p"),
        (
            "from 'http://shop:s3cret@h' to \"amqp://u@h:1/%2f\"",
            "from 'http://***@h' to \"amqp://***@h:1/%2f\"",
        ),
        ("(smtps://a@b.example:s3/cr?e#t@h:465)", "(smtps://***@h:465)"),
        ("http://a:b@c,http://d:e@f", "http://***@f"),
        ("\u{1b}[33mhttp://a:b@c\u{1b}[0m", "\u{1b}[33mhttp://***@c\u{1b}[0m"),
        ("http://h http://ü:ß@h", "http://h http://***@h"),
    ] {
        assert_eq!(without_credentials(text), shown);
    }
}

#[test]
fn a_url_is_shown_without_its_secrets() {
    for (url, shown) in [
        ("amqp://shop:s3cret@host:5672/%2f", Some("amqp://***@host:5672/%2f")),
        ("amqp://shop:s3/cr@et@host", Some("amqp://***@host")),
        ("http://127.0.0.1:8000", Some("http://127.0.0.1:8000")),
        ("mail.example.com", Some("mail.example.com")),
        ("amqp:shop:s3cret", None),
        ("shop:s3cret@host", None),
        ("http://host:1/path?token=s3cret", Some("http://host:1/path?***")),
        ("http://host/#s3cret", Some("http://host/#***")),
        ("http://shop:s3cret@host?token=s3cret", Some("http://***@host?***")),
        ("http://host/?token=ab@s3cret", Some("http://***")),
        ("host?token=s3cret", None),
    ] {
        assert_eq!(url_without_secrets(url).as_deref(), shown, "{url}");
    }
}

#[test]
fn arguments_that_may_hold_a_password_are_not_quoted() {
    for argument in [
        "http://u:s3 cr\"et@h",
        "--broker=amqp://u:s3 cret@h",
        "u:s3cret@h",
        "--url=u:s3cret@h",
        "--x=http://h?token=s3cret",
    ] {
        let text = without_secrets_of(["up", argument], &format!("unexpected argument '{argument}' found"));
        assert!(!text.contains("s3") && text.starts_with("unexpected argument '"), "{text}");
    }
    assert_eq!(without_secrets_of(["a:b", "c@d"], "a:b c@d"), "a:b c@d");
}
