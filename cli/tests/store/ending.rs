//! Being told to stop.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::process::{PATIENCE, StoreProcess};

const BODY: &str = "{}";

fn address(process: &StoreProcess) -> String {
    process.url.strip_prefix("http://").unwrap().to_owned()
}

/// Sends the head of a request, which the store then has in hand.
fn begin(process: &StoreProcess) -> TcpStream {
    let mut stream = TcpStream::connect(address(process)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The interim answer that is asked for here tells that the head has arrived.
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.ListTables\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        BODY.len()
    )
    .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&interim));
    stream
}

/// Waits until nobody is let in any more.
fn wait_until_closed(process: &StoreProcess) {
    let deadline = Instant::now() + PATIENCE;
    while let Ok(stream) = TcpStream::connect(address(process)) {
        // Left unclosed it would be one more that the store waits for.
        let _ = stream.shutdown(Shutdown::Both);
        assert!(Instant::now() < deadline, "it goes on listening");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_request_in_hand_is_answered_before_the_end() {
    for signal in ["TERM", "INT"] {
        let process = StoreProcess::ephemeral();
        let mut stream = begin(&process);
        process.signal(signal);
        wait_until_closed(&process);
        stream.write_all(BODY.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"TableNames":[]}"#),
            "{answer}"
        );
        assert!(process.ended().success());
    }
}

#[test]
fn a_request_that_never_ends_does_not_keep_it_alive() {
    let process = StoreProcess::ephemeral();
    let _stream = begin(&process);
    process.signal("TERM");
    assert!(process.ended().success());
}
