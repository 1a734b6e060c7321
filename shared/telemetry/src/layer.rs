//! The subscriber layer that writes one line for each event.

use std::io::Write;

use chrono::Utc;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::LogFormat;
use crate::fields::Fields;
use crate::line::Line;

/// Writes one line for each event, with the fields of the event and of all spans around it.
///
/// A field of the event replaces one of a span with the same name, and a field of an inner span one of an outer span. A field
/// `service` replaces the service of the process. An error recorded as `&dyn Error` is written with its sources as one text.
#[derive(Debug)]
pub struct LogLayer<W> {
    service: String,
    format: LogFormat,
    writer: W,
}

/// Returns a layer that writes lines of `service` in `format` to `writer`.
pub fn layer<W>(service: &str, format: LogFormat, writer: W) -> LogLayer<W>
where
    W: for<'w> MakeWriter<'w> + 'static,
{
    LogLayer { service: service.to_owned(), format, writer }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take_text("message").unwrap_or_default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.fill_from(outer);
            }
        }
        let service = fields.take_text("service");
        self.write(&Line {
            time: Utc::now(),
            level: *event.metadata().level(),
            service: service.as_deref().unwrap_or(&self.service),
            message: &message,
            fields: &fields,
        });
    }
}

impl<W> LogLayer<W>
where
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn write(&self, line: &Line<'_>) {
        let text = line.in_format(self.format);
        // A single write, so that lines of several threads never mix. A failure is ignored: it could only be logged, and the
        // program must keep working without its log.
        let _unwritten = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
