//! Query parameters.

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::strict::{DataError, from_query};
use crate::{Problem, ProblemKind};

/// The query parameters, read as a `T`.
///
/// Missing, invalid and repeated parameters are refused with a 422 `invalid-request` that names them, and so are unknown ones if
/// `T` has `#[serde(deny_unknown_fields)]`, which every query type should.
#[derive(Debug, Clone, Copy)]
pub struct QueryParams<T>(pub T);

impl<S, T> FromRequestParts<S> for QueryParams<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if percent_decode_str(query).decode_utf8().is_err() {
            return Err(Problem::new(ProblemKind::MalformedRequest, "The query is not UTF-8."));
        }
        from_query(query).map(Self).map_err(DataError::into_problem)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use serde::Deserialize;

    use super::*;
    use crate::Limit;
    use crate::test_client::{Answer, send_get};

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Bucket {
        Minute,
        Hour,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Listing {
        customer_id: Option<String>,
        bucket: Option<Bucket>,
        open: Option<bool>,
        after: Option<i64>,
        #[serde(default)]
        limit: Limit,
    }

    async fn answer(query: &str) -> Answer {
        let handler = async |QueryParams(listing): QueryParams<Listing>| {
            format!(
                "{:?} {:?} {:?} {:?} {}",
                listing.customer_id,
                listing.bucket,
                listing.open,
                listing.after,
                listing.limit.get()
            )
        };
        let router = Router::new().route("/", get(handler));
        send_get(router, &format!("/{query}")).await
    }

    #[tokio::test]
    async fn parameters_are_typed_and_optional() {
        assert_eq!(answer("").await.body, "None None None None 20");
        assert_eq!(answer("?").await.body, "None None None None 20");
        let all = "?customer_id=a+b%20%C3%A9&bucket=hour&open=true&after=-5&limit=100";
        assert_eq!(answer(all).await.body, "Some(\"a b é\") Some(Hour) Some(true) Some(-5) 100");
        assert_eq!(answer("?bucket=minute").await.body, "None Some(Minute) None None 20");
    }

    #[tokio::test]
    async fn a_limit_out_of_range_is_named() {
        for limit in ["0", "101", "256", "abc", "-1", "", "1.5", "99999999999999999999", "1e2"] {
            let answer = answer(&format!("?limit={limit}")).await;
            let message = answer.assert_invalid("limit");
            assert!(message.starts_with("must be a whole number from 1 to 100"), "{message}");
        }
    }

    #[tokio::test]
    async fn bad_values_are_named() {
        for (query, field) in [
            ("?bucket=week", "bucket"),
            ("?open=yes", "open"),
            ("?after=soon", "after"),
            ("?after=99999999999999999999", "after"),
            ("?total=1", "total"),
            ("?limit=1&limit=2", "limit"),
            ("?customer_id=a&customer_id=a", "customer_id"),
        ] {
            answer(query).await.assert_invalid(field);
        }
    }

    #[tokio::test]
    async fn a_query_that_is_not_utf_8_is_malformed() {
        let answer = answer("?customer_id=%ff").await;
        assert_eq!(answer.slug(), "malformed-request");
    }
}
