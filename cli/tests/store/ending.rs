//! Stopping on a signal.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use orderflow_testing::program::{PATIENCE, Signal};

use crate::process::StoreProcess;

const BODY: &str = "{}";

fn address(process: &StoreProcess) -> String {
    process.url().strip_prefix("http://").unwrap().to_owned()
}

/// Sends the head of a request, and returns once the store has received it.
fn begin(process: &StoreProcess) -> TcpStream {
    let mut stream = TcpStream::connect(address(process)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The interim response shows that the head has arrived.
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: DynamoDB_20120810.ListTables\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        BODY.len()
    )
    .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&interim));
    stream
}

/// Waits until the store accepts no more connections.
fn wait_until_closed(process: &StoreProcess) {
    let deadline = Instant::now() + PATIENCE;
    while let Ok(stream) = TcpStream::connect(address(process)) {
        // The store would wait for an open connection.
        let _ = stream.shutdown(Shutdown::Both);
        assert!(Instant::now() < deadline, "it still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_open_request_is_answered_before_the_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let process = StoreProcess::ephemeral();
        let mut stream = begin(&process);
        process.0.signal(signal);
        wait_until_closed(&process);
        stream.write_all(BODY.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"TableNames":[]}"#),
            "{answer}"
        );
        assert!(process.0.wait().success());
    }
}

#[test]
fn a_request_that_never_completes_does_not_prevent_the_end() {
    let process = StoreProcess::ephemeral();
    let _stream = begin(&process);
    assert!(process.0.stop().success());
}
