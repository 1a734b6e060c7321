//! The header `Idempotency-Key`, with which a client repeats a request safely.

use axum::extract::OptionalFromRequestParts;
use http::HeaderName;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::Problem;

const NAME: &str = "Idempotency-Key";
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_LENGTH: usize = 255;

/// The value of the header `Idempotency-Key`: 1 to 255 visible ASCII characters.
///
/// A handler takes `Option<IdempotencyKey>`, because the header is optional. An invalid or repeated header is refused with 422
/// `invalid-request`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Returns the key as the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let allowed = (1..=MAX_LENGTH).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(value).ok()?;
        allowed.then(|| Self(text.to_owned()))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Problem::invalid_field(NAME, "is given more than once"));
        }
        let refused = || {
            let message = format!("must be 1 to {MAX_LENGTH} visible ASCII characters");
            Problem::invalid_field(NAME, message)
        };
        Self::parse(value.as_bytes()).map(Some).ok_or_else(refused)
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$"));
        let header = ParameterBuilder::new().name(NAME).parameter_in(ParameterIn::Header).schema(Some(text));
        vec![
            header
                .description(Some(
                    "Makes the request safe to repeat: requests with the same key take effect once.",
                ))
                .build(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use http::Request;

    use super::*;
    use crate::test_client::{Answer, send};

    async fn answer(keys: &[&[u8]]) -> Answer {
        let handler =
            async |key: Option<IdempotencyKey>| key.map_or("none".to_owned(), |key| key.as_str().to_owned());
        let mut request = Request::post("/");
        for key in keys {
            request = request.header(HEADER, *key);
        }
        let router = Router::new().route("/", post(handler));
        send(router, request.body(axum::body::Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn the_header_is_optional() {
        assert_eq!(answer(&[]).await.body, "none");
        assert_eq!(answer(&[b"k-1!~"]).await.body, "k-1!~");
        assert_eq!(answer(&[&[b'x'; 255]]).await.status, 200);
    }

    #[tokio::test]
    async fn what_is_not_1_to_255_visible_ascii_characters_is_refused() {
        let long = [b'x'; 256];
        let refused: [&[u8]; 5] = [b"", &long, b"two words", "ключ".as_bytes(), b"tab\tbed"];
        for key in refused {
            let answer = answer(&[key]).await;
            answer.assert_invalid("Idempotency-Key");
        }
    }

    #[tokio::test]
    async fn a_repeated_header_is_refused() {
        answer(&[b"a", b"a"]).await.assert_invalid("Idempotency-Key");
    }
}
