//! Parses requests strictly.

use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Parses the body of a request. A member that the operation does not have here is refused with its name.
pub(crate) fn parse<Request: DeserializeOwned>(body: &[u8]) -> Result<Request, Failure> {
    // Serde would also accept a list of the fields' values in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("the request is not a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        match message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            Some(member) => Failure::unsupported(member),
            None if message.starts_with("missing field `") => {
                let member = message.split('`').nth(1).unwrap_or_default();
                Failure::invalid(format!("{member} is missing"))
            }
            None if error.is_data() => Failure::new("SerializationException", message),
            None => malformed(&message),
        }
    })
}

fn malformed(message: &str) -> Failure {
    Failure::new("SerializationException", message)
}

/// Refuses an option that has another value than the one that the store always behaves by.
pub(crate) fn only(name: &str, value: Option<&str>, allowed: &[&str]) -> Result<(), Failure> {
    match value {
        Some(value) if !allowed.contains(&value) => Err(Failure::unsupported(format!("{name} {value}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Request {
        table_name: String,
    }

    fn code(body: &str) -> String {
        match parse::<Request>(body.as_bytes()) {
            Ok(request) => request.table_name,
            Err(Failure::Refused { code, message, .. }) => format!("{code}: {message}"),
            Err(Failure::Lost) => String::new(),
        }
    }

    #[test]
    fn requests_are_parsed_strictly() {
        assert_eq!(code(r#"{"TableName":"t"}"#), "t");
        let unsupported = r#"{"TableName":"t","FilterExpression":"a = :b"}"#;
        assert_eq!(
            code(unsupported),
            "ValidationException: FilterExpression is not supported by orderflow store"
        );
        assert_eq!(code("{}"), "ValidationException: TableName is missing");
        for malformed in ["", "[]", "{", r#"["t"]"#, r#"{"TableName":7}"#] {
            assert!(code(malformed).starts_with("SerializationException"), "{malformed}");
        }
    }
}
