use axum::Router;
use axum::routing::post;
use futures::stream;
use http::Request;
use serde::Deserialize;

use super::*;
use crate::test_client::{Answer, send};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

fn router() -> Router {
    Router::new().route("/", post(async |JsonBody(note): JsonBody<Note>| note.text))
}

async fn post_as(content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post("/").header(CONTENT_TYPE, content_type);
    send(router(), request.body(body.into()).unwrap()).await
}

async fn post_json(body: impl Into<Body>) -> Answer {
    post_as("application/json", body).await
}

/// Returns a body of exactly `length` bytes.
fn note_of(length: usize) -> String {
    let frame = r#"{"text":""}"#.len();
    format!(r#"{{"text":"{}"}}"#, "x".repeat(length - frame))
}

#[tokio::test]
async fn every_json_content_type_is_accepted() {
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/merge-patch+json",
    ] {
        let answer = post_as(content_type, r#"{"text":"hé"}"#).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "hé"), "{content_type}");
    }
}

#[tokio::test]
async fn another_content_type_is_refused() {
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/json",
        "application/json; charset=latin1",
        "json",
    ] {
        let answer = post_as(content_type, r#"{"text":"x"}"#).await;
        assert_eq!(answer.status, 415, "{content_type}");
        assert_eq!(answer.slug(), "unsupported-media-type");
    }
    let without = Request::post("/").body(Body::from(r#"{"text":"x"}"#)).unwrap();
    assert_eq!(send(router(), without).await.status, 415);
    let packed = Request::post("/")
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_ENCODING, "gzip")
        .body(Body::from("x"))
        .unwrap();
    assert_eq!(send(router(), packed).await.status, 415);
}

#[tokio::test]
async fn the_largest_body_is_64_kib() {
    assert_eq!(post_json(note_of(MAX_BODY_BYTES)).await.status, 200);
    for length in [MAX_BODY_BYTES + 1, 65 * 1024 + 1, 1024 * 1024] {
        let answer = post_json(note_of(length)).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.slug(), "payload-too-large");
    }
}

#[tokio::test]
async fn a_large_body_without_a_content_length_is_refused() {
    let chunks = (0..65).map(|_| Ok::<_, std::io::Error>("x".repeat(1024)));
    let answer = post_json(Body::from_stream(stream::iter(chunks))).await;
    assert_eq!(answer.slug(), "payload-too-large");
}

#[tokio::test]
async fn a_large_content_length_is_refused_before_reading() {
    let request = Request::post("/")
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, "70000")
        .body(Body::from(r#"{"text":"x"}"#))
        .unwrap();
    assert_eq!(send(router(), request).await.slug(), "payload-too-large");
}

#[tokio::test]
async fn a_truncated_body_is_malformed() {
    let chunks = [Ok("{\"text\""), Err(std::io::Error::other("reset"))];
    let answer = post_json(Body::from_stream(stream::iter(chunks))).await;
    assert_eq!(answer.slug(), "malformed-request");
}

#[tokio::test]
async fn what_is_not_utf8_or_not_json_is_malformed() {
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"nope",
        b"{\"text\":\"\xff\"}",
        b"\xef\xbb\xbf{\"text\":\"bom\"}",
        b"{\"text\":\"x\"} trailing",
        b"{\"text\":\"\\ud800\"}",
        b"{'text':'x'}",
    ];
    for body in bodies {
        let answer = post_json(body.to_vec()).await;
        let text = String::from_utf8_lossy(body);
        assert_eq!((answer.status, answer.slug().as_str()), (400, "malformed-request"), "{text}");
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_names_the_field() {
    post_json(r#"{"text":5}"#).await.assert_invalid("text");
    post_json(r#"{"text":"x","total":1}"#).await.assert_invalid("total");
    post_json("null").await.assert_invalid("body");
}

#[tokio::test]
async fn a_handler_can_accept_a_missing_body() {
    let handler =
        async |note: Option<JsonBody<Note>>| note.map_or("none".to_owned(), |JsonBody(note)| note.text);
    let router = Router::new().route("/", post(handler));
    let answer = async |content_type: Option<&str>, body: &'static str| {
        let request = content_type.into_iter().fold(Request::post("/"), |r, t| r.header(CONTENT_TYPE, t));
        send(router.clone(), request.body(Body::from(body)).unwrap()).await
    };
    let json = Some("application/json");
    assert_eq!(answer(None, "").await.body, "none");
    assert_eq!(answer(json, r#"{"text":"x"}"#).await.body, "x");
    // The guard needs the type also without a body.
    assert_eq!(answer(json, "").await.body, "none");
    assert_eq!(answer(Some("text/plain"), "").await.slug(), "unsupported-media-type");
    assert_eq!(answer(json, " ").await.slug(), "malformed-request");
    assert_eq!(answer(None, r#"{"text":"x"}"#).await.slug(), "unsupported-media-type");
    assert_eq!(answer(json, "{}").await.assert_invalid("text"), "is missing");
}
