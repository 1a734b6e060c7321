use std::collections::HashMap;

use orderflow_store_port::{Item, Value};
use proptest::prelude::*;

use super::*;
use crate::number::Number;

fn item(attributes: &[(&str, Value)]) -> Item {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn n(text: &str) -> Value {
    Value::N(text.to_owned())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| Value::N(number.to_string())),
        "-?[1-9][0-9]{0,20}\\.[0-9]{0,10}[1-9]".prop_map(Value::N),
        ".{0,200}".prop_map(Value::S),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null(true)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::B),
        prop::collection::btree_set(".{0,9}", 1..4).prop_map(|set| Value::Ss(set.into_iter().collect())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::L),
            prop::collection::hash_map(".{1,9}", inner, 0..6).prop_map(Value::M),
        ]
    })
}

proptest! {
    #[test]
    fn items_are_read_back(item in prop::collection::hash_map(".{1,20}", any_value(), 0..20)) {
        let body = encode(&item).unwrap();
        prop_assert_eq!(&decode(&body).unwrap(), &item);
        let attributes = Attributes::of(&body).unwrap();
        prop_assert_eq!(join(attributes.iter()), body.clone());
        for (name, value) in &item {
            prop_assert_eq!(&decode_value(attributes.get(name).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(item) = decode(&bytes) {
            drop(item);
        }
        let _ = (size(&bytes), Attributes::of(&bytes));
    }
}

#[test]
fn equal_values_have_equal_bytes() {
    for (one, other) in [
        (n("1"), n("1.0")),
        (n("1e3"), n("1000")),
        (n("-0"), n("0")),
        (n("123456789012345678901234567890"), n("0123456789012345678901234567890.00")),
        (Value::Ss(texts(&["b", "a"])), Value::Ss(texts(&["a", "b"]))),
        (Value::Ns(texts(&["2", "1.0"])), Value::Ns(texts(&["1", "2.0"]))),
        (Value::M(item(&[("a", n("1")), ("b", n("2"))])), Value::M(item(&[("b", n("2.0")), ("a", n("01"))]))),
    ] {
        assert_eq!(encode_value(&one), encode_value(&other));
    }
    assert_ne!(encode_value(&n("1")), encode_value(&Value::S("1".to_owned())));
}

#[test]
fn values_that_dynamodb_does_not_take_are_refused() {
    let nested = (0..40).fold(n("1"), |inner, _| Value::L(vec![inner]));
    let unnamed = Value::M(HashMap::from([(String::new(), n("1"))]));
    for (value, message) in [
        (n("many"), "cannot be converted to a numeric value"),
        (n(&"1".repeat(39)), "38 significant digits"),
        (Value::Null(false), "must have the value of true"),
        (Value::Ss(Vec::new()), "may not be empty"),
        (Value::Ns(texts(&["1", "1.0"])), "duplicates"),
        (nested, "Nesting Levels"),
        (unnamed, "Empty attribute name"),
    ] {
        let refusal = encode(&item(&[("a", value)])).unwrap_err();
        assert!(refusal.contains(message), "{refusal}");
    }
}

#[test]
fn the_size_is_the_one_that_dynamodb_counts() {
    for (value, expected) in [
        (Value::S("abc".to_owned()), 3),
        (Value::Bool(true), 1),
        (n("42"), 2),
        (Value::L(vec![n("42"), Value::Null(true)]), 3 + 3 + 2),
        (Value::M(item(&[("ab", n("42"))])), 3 + 1 + 2 + 2),
        (Value::Ns(texts(&["1", "42"])), 4),
    ] {
        assert_eq!(size(&encode(&item(&[("a", value.clone())])).unwrap()), Ok(1 + expected), "{value:?}");
    }
}

#[test]
fn an_attribute_is_replaced_added_or_removed_in_its_place() {
    let body = encode(&item(&[("b", n("1")), ("d", n("2"))])).unwrap();
    let mut attributes = Attributes::of(&body).unwrap();
    let (three, text) = (encode_number(Number::from(3)), encode_text("x"));
    attributes.set("d", None);
    attributes.set("c", Some(&three));
    attributes.set("a", Some(&text));
    attributes.set("z", None);
    attributes.set("b", Some(&three));
    let expected = item(&[("a", Value::S("x".to_owned())), ("b", n("3")), ("c", n("3"))]);
    let joined = join(attributes.iter());
    assert_eq!(joined, encode(&expected).unwrap());
    let attributes = Attributes::of(&joined).unwrap();
    assert_eq!(attributes.text("a"), Some("x"));
    assert_eq!(attributes.number("b"), Some(Number::from(3)));
    assert_eq!((attributes.text("b"), attributes.number("a"), attributes.get("e")), (None, None, None));
}
