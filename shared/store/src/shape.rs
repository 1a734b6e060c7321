//! Errors of items that do not have the shape that their service writes.

use crate::StoreError;

/// Makes the error of an item that cannot be read. It is logged, so the values that the message quotes are left out: one may be an address.
pub(crate) fn unreadable(table: &str, error: &impl ToString) -> StoreError {
    let message = error.to_string();
    let mut hidden = String::with_capacity(message.len());
    for (position, part) in message.split('"').enumerate() {
        let is_quoted = position % 2 == 1;
        hidden.push_str(if is_quoted { "\"...\"" } else { part });
    }
    StoreError::Shape { table: table.to_owned(), message: hidden }
}

pub(crate) fn shape(table: &str, error: &impl ToString) -> StoreError {
    StoreError::Shape { table: table.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_an_item_quotes_no_value() {
        let error = unreadable("orders", &"invalid type: string \"jane@example.com\", expected u32");
        let shown = "an item of orders cannot be read or written: invalid type: string \"...\", expected u32";
        assert_eq!(error.to_string(), shown);
    }
}
