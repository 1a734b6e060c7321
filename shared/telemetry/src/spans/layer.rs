//! The subscriber layer that exports spans.

use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::SpanExport;
use super::open_span::OpenSpan;

/// Returns whether a span is to be exported.
pub(crate) fn is_exported(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field("traceparent").is_some()
}

/// Exports each span when it ends. Must be filtered by [`is_exported`].
pub(crate) struct SpanLayer(SpanExport);

impl SpanLayer {
    pub(crate) fn new(export: SpanExport) -> Self {
        Self(export)
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut open = OpenSpan::named(attributes.metadata().name());
            attributes.record(&mut open);
            span.extensions_mut().replace(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<OpenSpan>()
        {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(open) = context.span(&id).and_then(|span| span.extensions_mut().remove::<OpenSpan>()) {
            self.0.put(open.end());
        }
    }
}
