//! Items in the SDK's form and in that of the port.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_store_port::{Item, Value};

/// An item in the SDK's form.
pub(super) type SdkItem = HashMap<String, AttributeValue>;

pub(super) fn to_sdk(item: &Item) -> SdkItem {
    item.iter().map(|(name, value)| (name.clone(), AttributeValue::from(value.clone()))).collect()
}

/// Returns the item of an answer of the tables or of their streams, whose types differ.
pub(super) fn from_sdk(item: HashMap<String, impl Into<Value>>) -> Item {
    item.into_iter().map(|(name, value)| (name, value.into())).collect()
}
