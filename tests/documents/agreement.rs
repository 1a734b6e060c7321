//! The published schemas and the parsers accept the same values.

use orderflow_domain::text::check_line;
use orderflow_domain::{CustomerId, Email, MAX_LINES, OrderId, PaymentToken, Phone, Sku, Timestamp, is_text};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Returns a validator of a place in the document. It checks formats except that of e-mail addresses: libraries disagree on it, so the
/// document has a pattern too.
fn schema(pointer: &str) -> jsonschema::Validator {
    let document: Value = serde_json::from_str(orderflow_documents::OPENAPI).unwrap();
    assert!(document.pointer(pointer).is_some(), "{pointer}");
    let mut whole = json!({"$ref": format!("#{pointer}")});
    whole["components"] = document["components"].clone();
    whole["paths"] = document["paths"].clone();
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("email", |_: &str| true)
        .build(&whole)
        .unwrap()
}

fn component(name: &str) -> jsonschema::Validator {
    schema(&format!("/components/schemas/{name}"))
}

fn property(schema_name: &str, name: &str) -> jsonschema::Validator {
    schema(&format!("/components/schemas/{schema_name}/properties/{name}"))
}

/// Texts that are near the limits of every rule: addresses, numbers, control characters, blanks and lengths.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a.+@-]{0,6}@?[a.-]{0,6}",
        "[a-z.]{60,70}@[a-z-]{1,70}\\.example",
        "[ (]{0,2}\\+?[0-9]{0,3}[ .(]{0,2}(\\(0\\))?[0-9 ).-]{0,16}",
        "[\\PC\\t\\n\\u{85}\\u{a0}\\u{2003}\\u{3000} ]{0,4}",
        "[a\\u{9b}\\u{200b}-\\u{200f}\\u{2028}-\\u{202e}\\u{2060}-\\u{206f}\\u{378}\\u{e000}\\u{3164}]{0,3}",
        "[a ]{60,70}",
        "[a ]{196,204}",
        "[A-Za-z0-9._ -]{0,66}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn texts_are_accepted_by_both_or_by_neither(text in text()) {
        thread_local! {
            static SCHEMAS: [jsonschema::Validator; 5] = [
                component("Sku"),
                component("PaymentToken"),
                component("OrderId"),
                property("OrderRequest", "customer_id"),
                property("OrderRequest", "email"),
            ];
            static NAME: jsonschema::Validator = property("ProductRequest", "name");
            static PHONE: jsonschema::Validator = property("OrderRequest", "phone");
        }
        let parsed = [
            Sku::parse(&text).is_ok(),
            PaymentToken::parse(&text).is_ok(),
            OrderId::parse(&text).is_ok(),
            CustomerId::parse(&text).is_ok(),
            Email::parse(&text).is_ok(),
        ];
        let value = json!(text);
        let valid = SCHEMAS.with(|schemas| schemas.each_ref().map(|schema| schema.is_valid(&value)));
        prop_assert_eq!(valid, parsed);
        let is_valid_name = NAME.with(|name| name.is_valid(&value));
        prop_assert_eq!(is_valid_name, is_text(&text, 200));
        // What the schema allows and people cannot see is refused by a rule of the shop, with a problem type of its own.
        prop_assert!(is_valid_name || text.chars().count() > 200 || check_line(&text).is_err());
        // The schema of telephone numbers is narrower where people would not write them so.
        if PHONE.with(|phone| phone.is_valid(&value)) {
            prop_assert!(Phone::parse(&text).is_ok());
        }
    }
}

#[test]
fn telephone_numbers_as_people_write_them_are_valid() {
    let phone = property("OrderRequest", "phone");
    for text in ["+49 30 1234567", "+49 (0) 30 1234567", "(+49) 30.123-4567", "+1234567", "+123456789012345"]
    {
        let reduced = text.replacen("(0)", "", 1);
        assert!(phone.is_valid(&json!(text)) && Phone::parse(&reduced).is_ok(), "{text}");
    }
    for text in ["", "030 1234567", "+0 30 1234567", "+49 (0) 1234", "+49 x", "+1234567890123456"] {
        assert!(!phone.is_valid(&json!(text)), "{text}");
    }
    assert!(phone.is_valid(&Value::Null));
}

#[test]
fn bounds_of_numbers_are_published() {
    let correction = component("Correction");
    for (body, valid) in [
        (json!({"set": 1_000_000_000}), true),
        (json!({"set": 2.0}), true),
        (json!({"set": 1_000_000_001}), false),
        (json!({"set": i64::MAX - 1}), false),
        (json!({"set": -1}), false),
        (json!({"adjust": -1_000_000_000}), true),
        (json!({"adjust": -1_000_000_001}), false),
        (json!({"adjust": 1, "set": 1}), false),
        (json!({"adjust": 1, "take": 1}), false),
        (json!({}), false),
    ] {
        assert_eq!(correction.is_valid(&body), valid, "{body}");
    }
}

#[test]
fn a_recipient_is_an_address_of_its_channel() {
    let request = component("NotificationRequest");
    let body =
        |channel: &str, recipient: &str| json!({"channel": channel, "recipient": recipient, "template": "t"});
    assert!(
        request.is_valid(&body("email", "c@example.com")) && request.is_valid(&body("sms", "+49 30 1234567"))
    );
    for (channel, recipient) in
        [("sms", "c@example.com"), ("email", "+49301234567"), ("post", "c@example.com")]
    {
        assert!(!request.is_valid(&body(channel, recipient)), "{channel} {recipient}");
    }
    assert!(!request.is_valid(&json!({"channel": "sms", "recipient": null, "template": "t"})));
}

#[test]
fn enums_and_combinations_are_published() {
    let faults = component("Faults");
    assert!(faults.is_valid(&json!({"payment": "down", "stopped": ["payment", "payment"]})));
    assert!(!faults.is_valid(&json!({"stopped": [""]})) && !faults.is_valid(&json!({"stopped": null})));
    let replay = component("ReplayRequest");
    for body in [
        json!({}),
        json!({"ids": ["a"]}),
        json!({"ids": ["a"], "code": null}),
        json!({"code": "c", "ids": null}),
    ] {
        assert!(replay.is_valid(&body), "{body}");
    }
    assert!(!replay.is_valid(&json!({"ids": [], "code": "c"})) && !replay.is_valid(&json!({"id": "a"})));
    let order = component("OrderRequest");
    let lines = |count: usize| json!({"customer_id": "C1", "email": "c@example.com", "items": vec![json!({"sku": "A", "quantity": 1}); count]});
    assert!(
        order.is_valid(&lines(MAX_LINES))
            && !order.is_valid(&lines(MAX_LINES + 1))
            && !order.is_valid(&lines(0))
    );
    let cursor = schema("/paths/~1api~1v1~1orders/get/parameters/4/schema");
    assert!(cursor.is_valid(&json!("")) && !cursor.is_valid(&json!("a b")));
}

#[test]
fn times_are_accepted_as_the_format_says() {
    let time = component("Timestamp");
    for text in [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999999-23:59",
        "2016-12-31T23:59:60Z",
    ] {
        assert!(time.is_valid(&json!(text)) && Timestamp::parse(text).is_ok(), "{text}");
    }
}
