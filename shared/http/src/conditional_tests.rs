use axum::Router;
use axum::routing::get;
use http::{Request, StatusCode};

use super::*;
use crate::test_client::{Answer, send};

/// Sends a request with these headers to a resource of version 2.
async fn answer(name: HeaderName, values: &[&str]) -> Answer {
    let handler = async |if_match: IfMatch, if_none_match: IfNoneMatch| {
        let tag = EntityTag::of(2);
        if_match.check(Some(&tag))?;
        let status = if if_none_match.has(&tag) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        Ok::<_, Problem>((status, tag))
    };
    let request = values.iter().fold(Request::get("/"), |request, value| request.header(&name, *value));
    let router = Router::new().route("/", get(handler));
    send(router, request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_is_carried_out_without_the_header_or_with_the_current_version() {
    let matching: [&[&str]; 6] =
        [&[], &["\"2\""], &["*"], &["\"1\", \"2\""], &["\"1\"", "\"2\""], &["\"a,b\",, \"2\""]];
    for values in matching {
        let answer = answer(IF_MATCH, values).await;
        assert_eq!((answer.status, answer.header("etag")), (200, "\"2\""), "{values:?}");
    }
}

#[tokio::test]
async fn another_version_and_a_weak_tag_fail_the_precondition() {
    for values in [&["\"1\""][..], &["\"999\""], &["W/\"2\""], &["\"1\", \"3\""], &["\"\""], &["\"1,2\""]] {
        let answer = answer(IF_MATCH, values).await;
        assert_eq!((answer.status, answer.slug().as_str()), (412, "precondition-failed"), "{values:?}");
    }
}

#[tokio::test]
async fn a_header_that_is_not_well_formed_is_refused() {
    for value in ["", "2", "\"2", "w/\"2\"", "\"2\" \"3\"", "*, \"2\"", "\"2\", *", "\"2\"x", "\"a b\"", ","]
    {
        let answer = answer(IF_MATCH, &[value]).await;
        assert_eq!((answer.status, answer.slug().as_str()), (400, "malformed-request"), "{value:?}");
    }
}

#[test]
fn a_resource_that_is_gone_matches_no_header() {
    assert!(IfMatch(None).check(None).is_ok());
    for tag in ["*", "\"2\""] {
        let problem = IfMatch(Some(vec![tag.to_owned()])).check(None).unwrap_err();
        assert_eq!(problem.kind(), ProblemKind::PreconditionFailed);
    }
}

#[tokio::test]
async fn a_read_of_a_known_version_is_not_modified() {
    for (value, status) in [("\"2\"", 304), ("W/\"2\"", 304), ("*", 304), ("\"1\"", 200), ("2", 200)] {
        assert_eq!(answer(IF_NONE_MATCH, &[value]).await.status, status, "{value}");
    }
}
