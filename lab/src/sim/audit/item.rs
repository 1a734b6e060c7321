//! Reading items and events as JSON.

use serde_json::Value;

/// Returns the text under a name; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Returns the whole number under a name; 0 if there is none.
pub(super) fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or(0)
}

/// Returns whether the value under a name is `true`.
pub(super) fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// Returns the elements of the array under a name.
pub(super) fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the amount under a name, in minor units.
pub(super) fn amount(value: &Value, name: &str) -> i64 {
    value.get(name).map_or(0, |money| number(money, "amount"))
}

/// Returns the key of an item of a table, as one text.
pub(super) fn key(table: &str, item: &Value) -> String {
    match table {
        "orders" => text(item, "id").to_owned(),
        "catalog" => text(item, "sku").to_owned(),
        "notifications" => format!("{}/{}", text(item, "order_id"), text(item, "id")),
        "analytics" | "orderflow-runtime" => format!("{}/{}", text(item, "pk"), text(item, "sk")),
        _ => text(item, "pk").to_owned(),
    }
}

/// Returns the units by sku, with the lines of one sku added.
pub(super) fn units(lines: &[Value]) -> std::collections::BTreeMap<String, i64> {
    let mut units = std::collections::BTreeMap::new();
    for line in lines {
        *units.entry(text(line, "sku").to_owned()).or_default() += number(line, "quantity");
    }
    units
}

/// Returns whether an item of the table `orders` is an order, and not one of its further lines.
pub(super) fn is_order(item: &Value) -> bool {
    item.get("status").is_some()
}

/// Returns whether a status is final.
pub(super) fn is_final(status: &str) -> bool {
    matches!(status, "confirmed" | "rejected" | "cancelled")
}

/// Returns what an event is about: its `subject`, or what its data names, because the attribute is optional.
pub(in crate::sim) fn subject(event: &Value) -> &str {
    let data = event.get("data").unwrap_or(&Value::Null);
    let names = ["order_id", "sku", "notification_id"].into_iter().map(|name| text(data, name));
    std::iter::once(text(event, "subject")).chain(names).find(|name| !name.is_empty()).unwrap_or("")
}
