//! Answers to requests, and DynamoDB's form of the engine's errors.

use dynoxide::DynoxideError;

/// The media type of DynamoDB's requests and answers.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// An HTTP status and a JSON body. Both transports send them.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn success(body: Vec<u8>) -> Self {
        Self { status: 200, body }
    }

    pub(crate) fn unknown_operation() -> Self {
        let body = br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
        Self { status: 400, body: body.to_vec() }
    }
}

impl From<DynoxideError> for Answer {
    fn from(error: DynoxideError) -> Self {
        Self { status: error.status_code(), body: error.to_json().into_bytes() }
    }
}

/// Parses a request. The engine's own parser is private. Like it, this function distinguishes a body that is not a request of this operation
/// (`SerializationException`) from a request with a value that DynamoDB refuses (`ValidationException`).
///
/// # Errors
/// One of these two.
pub(crate) fn parse<Request: serde::de::DeserializeOwned>(body: &[u8]) -> Result<Request, DynoxideError> {
    // Serde would also accept a list of the fields' values in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        let message = "the request is not a JSON object".to_owned();
        return Err(DynoxideError::SerializationException(message));
    }
    serde_json::from_slice(body).map_err(|error| classify(&error))
}

/// The prefixes with which the engine's types mark the message about a refused value.
const VALIDATION_MARKERS: [&str; 3] = ["VALIDATION_AS_READ:", "VALIDATION_REQUEST:", "VALIDATION:"];
const SERIALIZATION_MARKERS: [&str; 2] = ["SERIALIZATION_AS_READ:", "SERIALIZATION:"];

/// Parts of serde's own messages about mistakes that DynamoDB reports as a refused value.
const VALIDATION_PHRASES: [&str; 4] =
    ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

fn classify(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let message = without_position(&text);
    if let Some(message) = strip_any(message, &SERIALIZATION_MARKERS) {
        return DynoxideError::SerializationException(message.to_owned());
    }
    if let Some(message) = strip_any(message, &VALIDATION_MARKERS) {
        return DynoxideError::ValidationException(message.to_owned());
    }
    if error.is_data() && VALIDATION_PHRASES.iter().any(|phrase| message.contains(phrase)) {
        return DynoxideError::ValidationException(message.to_owned());
    }
    DynoxideError::SerializationException(message.to_owned())
}

fn strip_any<'a>(message: &'a str, markers: &[&str]) -> Option<&'a str> {
    markers.iter().find_map(|marker| message.strip_prefix(marker))
}

fn without_position(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |at| &message[..at])
}

#[cfg(test)]
mod tests {
    use dynoxide::actions::put_item::PutItemRequest;

    use super::*;

    fn refusal(body: &str) -> DynoxideError {
        parse::<PutItemRequest>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn bodies_that_cannot_be_parsed_are_serialization_exceptions() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        for body in ["", "{", "[]", "nonsense", r#"{"TableName":7,"Item":{}}"#, &deep] {
            let error = refusal(body);
            assert!(matches!(error, DynoxideError::SerializationException(_)), "{body}: {error:?}");
        }
    }

    #[test]
    fn refused_values_are_validation_exceptions_without_marker_or_position() {
        for body in
            [r#"{"TableName":"t","Item":{"id":{"N":"abc"}}}"#, r#"{"TableName":"t","Item":{"id":{}}}"#]
        {
            let DynoxideError::ValidationException(message) = refusal(body) else {
                panic!("{body} is not a refused value");
            };
            assert!(!message.contains("VALIDATION"), "{message}");
            assert!(!message.contains(" at line "), "{message}");
        }
    }
}
