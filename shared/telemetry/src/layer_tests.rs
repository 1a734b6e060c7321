use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::{error, error_span, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// Collects the written text.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat, work: impl FnOnce()) -> Vec<String> {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::registry().with(layer("shop", format, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn json_lines(work: impl FnOnce()) -> Vec<Value> {
    logged(LogFormat::Json, work).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json_line(work: impl FnOnce()) -> Value {
    let mut lines = json_lines(work);
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

#[derive(Debug, thiserror::Error)]
#[error("cannot save the order")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("connection refused")]
struct Inner;

#[test]
fn a_line_has_the_fields_of_its_event_and_spans() {
    let line = json_line(|| {
        let _outer = info_span!("batch", trace.id = "t1", consumer = "payment").entered();
        let _inner = info_span!("event", event.type = "order.placed").entered();
        info!(order.id = %"o1", attempt = 2, "charged");
    });
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["service"], "shop");
    assert_eq!(line["message"], "charged");
    assert_eq!(line["order.id"], "o1");
    assert_eq!(line["event.type"], "order.placed");
    assert_eq!(line["trace.id"], "t1");
    assert_eq!(line["consumer"], "payment");
    assert_eq!(line["attempt"], 2);
}

#[test]
fn the_time_is_utc_with_milliseconds() {
    let line = json_line(|| info!("now"));
    let time = line["timestamp"].as_str().unwrap();
    assert_eq!(time.len(), "2026-01-01T00:00:00.000Z".len(), "{time}");
    assert!(time.ends_with('Z'));
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok());
}

#[test]
fn the_fixed_fields_come_first() {
    let lines = logged(LogFormat::Json, || info!(a = 1, "first"));
    let keys = ["timestamp", "level", "service", "message", "a"];
    let places: Vec<_> = keys.iter().map(|key| lines[0].find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{}", lines[0]);
}

#[test]
fn a_field_of_a_span_replaces_the_service() {
    let lines = json_lines(|| {
        {
            let _outer = error_span!("part", service = "payment").entered();
            info!("inside");
            info!(service = "gateway", "event wins");
        }
        info!("outside");
    });
    let services: Vec<_> = lines.iter().map(|line| &line["service"]).collect();
    assert_eq!(services, ["payment", "gateway", "shop"]);
}

#[test]
fn event_wins_over_inner_span_wins_over_outer_span() {
    let line = json_line(|| {
        let _outer = info_span!("outer", a = "outer", b = "outer", c = "outer").entered();
        let _inner = info_span!("inner", a = "inner", b = "inner").entered();
        info!(a = "event", "who");
    });
    assert_eq!(line["a"], "event");
    assert_eq!(line["b"], "inner");
    assert_eq!(line["c"], "outer");
}

#[test]
fn values_recorded_after_the_span_began_are_written() {
    let line = json_line(|| {
        let span = info_span!("request", status = tracing::field::Empty, tries = 1);
        span.record("status", 202);
        span.record("tries", 2);
        span.in_scope(|| info!("answered"));
    });
    assert_eq!(line["status"], 202);
    assert_eq!(line["tries"], 2);
}

#[test]
fn values_keep_their_type() {
    let line = json_line(|| {
        info!(
            minus = -3,
            big = u64::MAX,
            share = 0.5,
            nan = f64::NAN,
            yes = true,
            none = Option::<u64>::None,
            debug = ?vec![1, 2],
            "types"
        );
    });
    assert_eq!(line["minus"], json!(-3));
    assert_eq!(line["big"], json!(u64::MAX));
    assert_eq!(line["share"], json!(0.5));
    assert_eq!(line["nan"], json!("NaN"));
    assert_eq!(line["yes"], json!(true));
    assert_eq!(line["debug"], json!("[1, 2]"));
    assert!(line.get("none").is_none());
}

#[test]
fn control_characters_are_escaped() {
    let nasty = "a\nb\r\"quoted\" \\ \u{1b}[31m \u{0} Grüße 🦀";
    let line = json_line(|| warn!(detail = nasty, "first\nsecond \"x\""));
    assert_eq!(line["detail"], nasty);
    assert_eq!(line["message"], "first\nsecond \"x\"");
}

#[test]
fn an_error_is_written_with_its_sources_in_one_field() {
    let line = json_line(|| {
        let failed = Outer(Inner);
        error!(error = &failed as &dyn std::error::Error, "put failed");
    });
    assert_eq!(line["error"], "cannot save the order: connection refused");
}

#[test]
fn credentials_of_urls_are_hidden_wherever_they_stand() {
    let url = "amqp://shop:s3cret@broker.example/%2f";
    let line = json_line(|| {
        let _span = info_span!("s", text = url).entered();
        error!(shown = %url, debug = ?url, "no connection to {url}");
    });
    assert!(!line.to_string().contains("s3cret"), "{line}");
    assert_eq!(line["message"], "no connection to amqp://***@broker.example/%2f");
}

#[test]
fn a_field_never_replaces_the_time_or_the_level() {
    let line = json_line(|| {
        let _span = info_span!("s", message = "span's own").entered();
        info!(level = "high", timestamp = 5, "kept");
    });
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], "high");
    assert_eq!(line["field.timestamp"], 5);
    assert_eq!(line["message"], "kept");
}

#[test]
fn pretty_is_one_line_of_time_level_service_message_and_fields() {
    let lines = logged(LogFormat::Pretty, || {
        let _span = info_span!("s", order.id = "o1").entered();
        info!(status = 202, note = "two words", empty = "", "accepted\n\u{1b}[31m");
    });
    assert_eq!(lines.len(), 1);
    let (time, rest) = lines[0].split_once(' ').unwrap();
    assert_eq!(time.len(), "12:00:00.000Z".len());
    assert_eq!(
        rest,
        "INFO  shop accepted\\n\\u{1b}[31m status=202 note=\"two words\" empty=\"\" order.id=o1"
    );
}

#[test]
fn only_the_coloured_format_has_terminal_codes() {
    let plain = logged(LogFormat::Pretty, || info!(a = 1, "x"));
    let coloured = logged(LogFormat::Coloured, || info!(a = 1, "x"));
    assert!(!plain[0].contains('\u{1b}'));
    assert!(coloured[0].contains("\u{1b}[32mINFO "));
}

#[test]
fn a_call_of_an_operator_is_one_line() {
    let entry = crate::AuditEntry {
        who: "ops",
        peer: "192.0.2.1",
        operation: "DELETE /api/v1/admin/dead-letters/{consumer}",
        on: &crate::audited_ids([("consumer", "payment")]),
        outcome: "200",
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    };
    let line = json_line(|| entry.log());
    for (name, value) in [
        ("message", "operator call"),
        ("target", "audit"),
        ("who", "ops"),
        ("peer", "192.0.2.1"),
        ("operation", "DELETE /api/v1/admin/dead-letters/{consumer}"),
        ("on", "consumer=payment"),
        ("outcome", "200"),
        ("trace.id", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
}
