use std::collections::HashMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    customer_id: String,
    phone: Option<String>,
    items: Vec<Item>,
    #[serde(default)]
    variables: HashMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only refusals are looked at")]
struct Item {
    sku: String,
    quantity: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Adjust(i64),
    Set(u64),
}

/// Returns the field and the message of the 422 for `text`.
fn invalid(text: &str) -> (String, String) {
    let problem = match from_json::<Order>(text).unwrap_err() {
        JsonError::Syntax(error) => panic!("{text}: {error}"),
        error => error.into_problem(),
    };
    let error = &problem.errors()[0];
    (error.field.clone(), error.message.clone())
}

fn with_items(items: &str) -> String {
    format!(r#"{{"customer_id":"c","items":{items}}}"#)
}

fn with_quantity(quantity: &str) -> (String, String) {
    invalid(&with_items(&format!(r#"[{{"sku":"A","quantity":{quantity}}}]"#)))
}

#[test]
fn a_good_text_is_read() {
    let order: Order = from_json(
        r#"{"customer_id":"\u00e9","phone":null,"items":[{"sku":"A","quantity":2}],"variables":{"a":"b"}}"#,
    )
    .unwrap();
    assert_eq!(order.customer_id, "é");
    assert_eq!(order.phone, None);
    assert_eq!(order.items[0].quantity, 2);
    assert_eq!(order.variables["a"], "b");
}

#[test]
fn numbers_that_do_not_fit_name_the_field() {
    for quantity in
        ["-1", "4294967296", "99999999999999999999", "1.5", "2.5", "-0.1", "-1.0", "1e10", "1e300"]
    {
        let (field, message) = with_quantity(quantity);
        assert_eq!(field, "items[0].quantity", "{quantity}");
        assert!(message.starts_with("must be a whole number from 0 to 4294967295, not "), "{message}");
    }
    let (field, message) = with_quantity("1e400");
    assert_eq!(field, "items[0].quantity");
    assert_eq!(message, "is a number out of range");
}

#[test]
fn a_number_without_a_fractional_part_is_an_integer_however_it_is_written() {
    for (quantity, expected) in
        [("2.0", 2), ("1e0", 1), ("1000.0", 1000), ("12e2", 1200), ("1e9", 1_000_000_000)]
    {
        let order: Order =
            from_json(&with_items(&format!(r#"[{{"sku":"A","quantity":{quantity}}}]"#))).unwrap();
        assert_eq!(order.items[0].quantity, expected, "{quantity}");
    }
    assert_eq!(from_json::<Change>(r#"{"adjust":-3.0}"#).unwrap(), Change::Adjust(-3));
    assert_eq!(from_json::<Change>(r#"{"set":-0.0}"#).unwrap(), Change::Set(0));
    // Such a number may have been rounded.
    assert!(from_json::<Change>(r#"{"adjust":9007199254740994.0}"#).is_err());
}

#[test]
fn wrong_types_name_the_field_without_quoting_its_value() {
    for (quantity, found) in [
        ("\"secret\"", "a text"),
        ("null", "null"),
        ("true", "true"),
        ("[]", "an array"),
        ("{}", "an object"),
    ] {
        let (field, message) = with_quantity(quantity);
        assert_eq!(field, "items[0].quantity");
        assert!(message.ends_with(&format!(", not {found}")), "{message}");
    }
}

#[test]
fn unknown_fields_are_named_with_their_path() {
    let (field, message) = invalid(r#"{"customer_id":"c","items":[],"total":1}"#);
    assert_eq!(field, "total");
    assert_eq!(message, "is not known here; known are customer_id, phone, items, variables");
    let second = with_items(r#"[{"sku":"A","quantity":1},{"sku":"B","price":1}]"#);
    assert_eq!(invalid(&second).0, "items[1].price");
}

#[test]
fn missing_fields_are_named_with_their_path() {
    assert_eq!(invalid("{}"), ("customer_id".into(), "is missing".into()));
    let (field, message) = invalid(&with_items(r#"[{"sku":"A"}]"#));
    assert_eq!((field.as_str(), message.as_str()), ("items[0].quantity", "is missing"));
}

#[test]
fn a_key_stands_once() {
    let (field, message) = invalid(r#"{"customer_id":"c","customer_id":"c","items":[]}"#);
    assert_eq!((field.as_str(), message.as_str()), ("customer_id", "is given more than once"));
    let nested = with_items(r#"[{"sku":"A","quantity":1,"sku":"B"}]"#);
    assert_eq!(invalid(&nested).0, "items[0].sku");
    let map = r#"{"customer_id":"c","items":[],"variables":{"a":"1","a":"2"}}"#;
    assert_eq!(invalid(map).0, "variables.a");
}

#[test]
fn an_array_is_no_object() {
    let (field, message) = invalid(r#"["c", null, []]"#);
    assert_eq!((field.as_str(), message.as_str()), ("body", "must be an object, not an array"));
    assert_eq!(invalid(&with_items(r#"[["A", 1]]"#)).0, "items[0]");
    let (field, message) = invalid(&with_items("{}"));
    assert_eq!((field.as_str(), message.as_str()), ("items", "must be an array, not an object"));
}

#[test]
fn a_body_of_the_wrong_type_is_named_body() {
    for text in ["null", "1", "\"x\"", "true", "[]"] {
        assert_eq!(invalid(text).0, "body", "{text}");
    }
}

#[test]
fn text_that_is_not_json_is_a_syntax_error() {
    let deep = "[".repeat(60_000);
    let deep_objects = r#"{"a":"#.repeat(12_000);
    for text in
        ["", " ", "{", "NaN", "Infinity", "01", "{}x", "{\"a\":\"\\ud800\"}", "[1,]", &deep, &deep_objects]
    {
        assert!(matches!(from_json::<Order>(text), Err(JsonError::Syntax(_))));
    }
}

#[test]
fn an_enum_is_an_object_with_one_of_its_keys() {
    assert_eq!(from_json::<Change>(r#"{"adjust":-3}"#).unwrap(), Change::Adjust(-3));
    assert_eq!(from_json::<Change>(r#"{"set":3}"#).unwrap(), Change::Set(3));
    for (text, refusal) in [
        (r#"{"set":-3}"#, "set must be a whole number of at least 0, not -3"),
        (r#"{"set":1,"adjust":1}"#, "body must have exactly one of adjust, set"),
        (r"{}", "body must have exactly one of adjust, set"),
        (r#"{"set":1,"add":1}"#, "add is not known here; known are adjust, set"),
        ("[]", "body must be one of adjust, set"),
    ] {
        match from_json::<Change>(text) {
            Err(JsonError::Data(error)) => assert_eq!(error.to_string(), refusal),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_tuple_takes_no_more_elements_than_it_has() {
    assert_eq!(from_json::<(u8, u8)>("[1,2]").unwrap(), (1, 2));
    for text in ["[1]", "[1,2,3]"] {
        assert!(matches!(from_json::<(u8, u8)>(text), Err(JsonError::Data(_))));
    }
}
