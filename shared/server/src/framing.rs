//! Where the head and the body of a request end in the bytes of a client.
//!
//! A client may send the beginning of its next request behind a request. The bytes of the next one are kept from hyper until the former is
//! answered, so that the server knows whether a connection is idle or in the middle of a head.

/// How long the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Bytes(u64),
    Chunked,
}

/// Follows the bytes of one connection. Malformed bytes are passed on, since hyper refuses them.
#[derive(Debug)]
pub(crate) struct Framing {
    part: Part,
    /// Whether the request whose body arrives is answered already.
    answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A head arrives.
    Head(Lines),
    /// The head is complete, and not read by hyper yet.
    Parsing,
    Bytes(u64),
    Chunk(Chunk),
    /// The request is complete, and is being answered.
    Complete,
    /// What hyper refuses.
    Malformed,
}

/// The lines of a head or of trailers, which end with an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    /// Whether the current line has no byte so far.
    empty: bool,
    /// Whether an empty line ends the lines. Those before the line of a request do not.
    begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    Size(u64),
    Extension(u64),
    Data(u64),
    /// The line break after the data.
    End,
    Trailers(Lines),
}

impl Lines {
    const HEAD: Self = Self { empty: true, begun: false };
    const TRAILERS: Self = Self { empty: true, begun: true };

    /// Takes a byte, and returns whether it ends the lines.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' => std::mem::replace(&mut self.empty, true) && self.begun,
            b'\r' => false,
            _ => {
                *self = Self { empty: false, begun: true };
                false
            }
        }
    }
}

impl Framing {
    pub(crate) const fn new() -> Self {
        Self { part: Part::Head(Lines::HEAD), answered: false }
    }

    /// Returns how many of these bytes, from the first on, belong to the request that arrives. The others have to be given again later.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            match &mut self.part {
                Part::Parsing | Part::Complete => break,
                Part::Malformed => return bytes.len(),
                Part::Bytes(left) | Part::Chunk(Chunk::Data(left)) => {
                    let length = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    *left -= length as u64;
                    taken += length;
                }
                Part::Head(lines) => {
                    taken += 1;
                    if lines.take(rest[0]) {
                        self.part = Part::Parsing;
                    }
                }
                Part::Chunk(chunk) => {
                    taken += 1;
                    self.part = chunk.take(rest[0]);
                }
            }
            self.end_data();
        }
        taken
    }

    /// hyper has read a head.
    pub(crate) fn requested(&mut self, body: BodyLength) {
        self.answered = false;
        self.part = match body {
            BodyLength::Bytes(length) => Part::Bytes(length),
            BodyLength::Chunked => Part::Chunk(Chunk::Size(0)),
        };
        self.end_data();
    }

    /// The request is answered. The next one begins behind its body.
    pub(crate) fn answered(&mut self) {
        self.answered = true;
        self.end_data();
    }

    fn end_data(&mut self) {
        match self.part {
            Part::Chunk(Chunk::Data(0)) => self.part = Part::Chunk(Chunk::End),
            Part::Bytes(0) => self.part = Part::Complete,
            _ => {}
        }
        if self.part == Part::Complete && self.answered {
            *self = Self::new();
        }
    }
}

impl Chunk {
    /// Takes a byte that is no data, and returns what follows.
    fn take(mut self, byte: u8) -> Part {
        match (&mut self, byte) {
            (Self::Size(0) | Self::Extension(0), b'\n') => {
                return Part::Chunk(Self::Trailers(Lines::TRAILERS));
            }
            (Self::Size(size) | Self::Extension(size), b'\n') => return Part::Chunk(Self::Data(*size)),
            (Self::End, b'\n') => return Part::Chunk(Self::Size(0)),
            (Self::Extension(_), _) | (Self::End, b'\r') => {}
            (Self::Size(size), b'\r' | b';' | b' ' | b'\t') => return Part::Chunk(Self::Extension(*size)),
            (Self::Size(size), digit) => {
                let digit = char::from(digit).to_digit(16).map(u64::from);
                let longer = size.checked_mul(16);
                match digit.zip(longer) {
                    Some((digit, longer)) => *size = longer + digit,
                    None => return Part::Malformed,
                }
            }
            (Self::Trailers(lines), byte) => {
                if lines.take(byte) {
                    return Part::Complete;
                }
            }
            (Self::End | Self::Data(_), _) => return Part::Malformed,
        }
        Part::Chunk(self)
    }
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
