//! A process without a free file descriptor. The limit applies to the whole process, so this is a test program of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use orderflow_server::{Deadlines, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

fn limit_files(current: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).unwrap();
}

#[tokio::test]
async fn the_server_survives_the_want_of_file_descriptors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let server = Server::new(Deadlines::default());
    let router = Router::new().route("/", get(|| async { "here" }));
    let task = tokio::spawn(server.serve(listener, router, stopped));
    let socket = TcpSocket::new_v4().unwrap();
    limit_files(3);
    let mut client = socket.connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let early = timeout(Duration::from_millis(300), client.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "{answer}");
    assert!(!task.is_finished());
    limit_files(256);
    timeout(Duration::from_secs(60), client.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("here"), "{answer}");
}
