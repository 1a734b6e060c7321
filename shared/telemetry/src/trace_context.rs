//! W3C trace context: the `traceparent` header, <https://www.w3.org/TR/trace-context/>.

use std::fmt;
use std::ops::Range;

/// The positions of the parts in `00-<32 hex>-<16 hex>-<2 hex>`.
const VERSION: Range<usize> = 0..2;
const TRACE_ID: Range<usize> = 3..35;
const SPAN_ID: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;
const LENGTH: usize = 55;

/// The only flag that version 00 defines.
const SAMPLED: u8 = 0x01;

/// A position in a trace: which trace this work belongs to, and which span caused it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The whole header in version 00: ASCII, exactly `LENGTH` bytes.
    header: String,
}

impl TraceParent {
    /// Starts a new, sampled trace with random ids.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "defaults are expected to be equal, and two new traces never are"
    )]
    pub fn new() -> Self {
        let trace_id = fastrand::u128(1..);
        Self::assemble(&format!("{trace_id:032x}"), SAMPLED)
    }

    /// Parses a `traceparent` header. Returns `None` if it is invalid, in which case the specification asks for a new trace. Of a
    /// later version, reads the parts of version 00.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        if !header.is_ascii() || header.len() < LENGTH || !has_known_end(header) {
            return None;
        }
        let dashes = [VERSION.end, TRACE_ID.end, SPAN_ID.end];
        let well_formed = dashes.iter().all(|at| header.as_bytes()[*at] == b'-')
            && [VERSION, TRACE_ID, SPAN_ID, FLAGS].into_iter().all(|part| is_lower_hex(&header[part]))
            && &header[VERSION] != "ff"
            && !is_zero(&header[TRACE_ID])
            && !is_zero(&header[SPAN_ID]);
        well_formed.then(|| Self { header: format!("00{}", &header[VERSION.end..LENGTH]) })
    }

    /// Returns a new span in the same trace, with the same sampled flag.
    #[must_use]
    pub fn child(&self) -> Self {
        Self::assemble(self.trace_id(), self.flags() & SAMPLED)
    }

    /// Returns the trace id: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.header[TRACE_ID]
    }

    /// Returns the id of this span: 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.header[SPAN_ID]
    }

    /// Returns the sampled flag.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags() & SAMPLED != 0
    }

    fn flags(&self) -> u8 {
        u8::from_str_radix(&self.header[FLAGS], 16)
            .expect("only two hexadecimal digits are ever stored as flags")
    }

    fn assemble(trace_id: &str, flags: u8) -> Self {
        let span_id = fastrand::u64(1..);
        Self { header: format!("00-{trace_id}-{span_id:016x}-{flags:02x}") }
    }
}

/// Shows the whole header, `00-<trace>-<span>-<flags>`.
impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.header)
    }
}

/// Version 00 ends with the flags; a later version may have further parts after a dash.
fn has_known_end(header: &str) -> bool {
    header.len() == LENGTH || (&header[VERSION] != "00" && header.as_bytes()[LENGTH] == b'-')
}

fn is_lower_hex(part: &str) -> bool {
    part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(part: &str) -> bool {
    part.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_header_is_kept() {
        let parent = TraceParent::parse(SAMPLE).unwrap();
        assert_eq!(parent.to_string(), SAMPLE);
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
    }

    #[test]
    fn a_child_stays_in_the_trace_and_keeps_the_sampling() {
        let sampled = TraceParent::parse(SAMPLE).unwrap().child();
        assert_eq!(sampled.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(sampled.span_id(), "00f067aa0ba902b7");
        assert!(sampled.to_string().ends_with("-01"));

        let unsampled = SAMPLE.replace("-01", "-00");
        let child = TraceParent::parse(&unsampled).unwrap().child();
        assert!(child.to_string().ends_with("-00"));
    }

    #[test]
    fn new_traces_are_valid_and_distinct() {
        let one = TraceParent::new();
        assert_eq!(TraceParent::parse(&one.to_string()).as_ref(), Some(&one), "{one}");
        assert_ne!(one.trace_id(), TraceParent::new().trace_id());
    }

    #[test]
    fn of_a_later_version_the_known_parts_are_read() {
        let later = format!("cc{}-future-parts", &SAMPLE[2..]);
        assert_eq!(TraceParent::parse(&later).unwrap().to_string(), SAMPLE);
        assert!(TraceParent::parse(&format!("cc{}.x", &SAMPLE[2..])).is_none());
    }

    #[test]
    fn invalid_headers_are_refused() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let refused = [
            "",
            "00",
            zero_trace,
            zero_span,
            &SAMPLE.to_uppercase(),
            &SAMPLE.replacen("00", "ff", 1),
            &SAMPLE.replace('-', "_"),
            &SAMPLE[..54],
            &format!("{SAMPLE}-x"),
            &format!(" {SAMPLE}"),
            &SAMPLE.replace("4b", "ü"),
            &SAMPLE.replace("4b", "+b"),
        ];
        for header in refused {
            assert_eq!(TraceParent::parse(header), None, "{header}");
        }
    }
}
