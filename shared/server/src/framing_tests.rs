use super::{BodyLength, Framing};

const NEXT: &[u8] = b"GET /next HT";

/// Gives a request and the beginning of the next one in pieces of each size, and returns whether exactly the request is taken before it is
/// answered, and the rest afterwards.
fn is_separated(head: &[u8], length: BodyLength, body: &[u8]) -> bool {
    let whole = [head, body, NEXT].concat();
    (1..=whole.len()).all(|size| {
        let mut framing = Framing::new();
        let (mut at, mut parsed) = (0, false);
        loop {
            let piece = &whole[at..whole.len().min(at + size)];
            let taken = framing.take(piece);
            at += taken;
            if taken == 0 && !parsed && at == head.len() {
                framing.requested(length);
                parsed = true;
            } else if taken == 0 {
                break;
            }
        }
        let request = at == head.len() + body.len();
        framing.answered();
        request && framing.take(&whole[at..]) == NEXT.len()
    })
}

#[test]
fn the_next_request_is_kept_until_the_former_is_answered() {
    let none = BodyLength::Bytes(0);
    for head in [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\nhost: x\n\n",
        "\r\n\n\r\nGET / HTTP/1.1\r\n\r\n",
    ] {
        assert!(is_separated(head.as_bytes(), none, b""), "{head:?}");
        assert!(is_separated(head.as_bytes(), BodyLength::Bytes(5), b"\r\n\r\n1"), "{head:?}");
    }
    for body in [
        "0\r\n\r\n",
        "5\r\n\r\n\r\n1\r\n0\r\n\r\n",
        "a;name=\"0\"\r\n0123456789\r\n1 \r\nx\r\n000\r\na: b\r\nc: d\r\n\r\n",
        "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
    ] {
        assert!(is_separated(b"POST / HTTP/1.1\r\n\r\n", BodyLength::Chunked, body.as_bytes()), "{body:?}");
    }
}

#[test]
fn the_body_of_a_request_that_is_answered_early_belongs_to_it() {
    let mut framing = Framing::new();
    assert_eq!(framing.take(b"POST / HTTP/1.1\r\n\r\nabc"), 19);
    framing.requested(BodyLength::Bytes(6));
    assert_eq!(framing.take(b"abc"), 3);
    framing.answered();
    assert_eq!(framing.take(b"defGET / HTTP/1.1\r\n\r\nGET"), 21);
}

#[test]
fn malformed_chunks_are_passed_on() {
    for body in [&b"g\r\n"[..], b"1\r\nab\r\n", b"fffffffffffffffff\r\n"] {
        let mut framing = Framing::new();
        assert_eq!(framing.take(b"POST / HTTP/1.1\r\n\r\n"), 19);
        framing.requested(BodyLength::Chunked);
        assert_eq!(framing.take(body), body.len(), "{body:?}");
        assert_eq!(framing.take(NEXT), NEXT.len());
    }
}
