//! Free addresses for servers that cannot bind port 0 and report their port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::{Error, Result};

/// Below every usual range of ephemeral ports, so that no outgoing connection and no listener on port 0 gets one of these. Otherwise a client
/// that reconnects to a stopped server could be given the server's port and connect to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The number of ports to try until one is free.
const TRIED_PORTS: usize = 100;

/// The number of starts of a server whose ports were taken by others.
const STARTS: usize = 3;

/// The output of servers that end because their port is taken: Python and Go, Erlang, Erlang's name service.
const PORT_TAKEN_MESSAGES: [&str; 3] = ["already in use", "eaddrinuse", "already a epmd running"];

/// Starts a server on free loopback addresses.
///
/// Another process may take a port before the server does. A server that ends for this reason is started again on other ports.
///
/// # Errors
/// [`Error::System`] if no port is free; otherwise the error of `start`.
pub(crate) async fn on_free_addresses<const N: usize, S>(
    start: impl AsyncFn([SocketAddr; N]) -> Result<S>,
) -> Result<S> {
    for _ in 1..STARTS {
        let started = start(free_addresses()?).await;
        if !started.as_ref().is_err_and(lost_a_port) {
            return started;
        }
    }
    start(free_addresses()?).await
}

fn lost_a_port(error: &Error) -> bool {
    let Error::Exited { output, .. } = error else { return false };
    let output = output.to_lowercase();
    PORT_TAKEN_MESSAGES.iter().any(|sign| output.contains(sign))
}

fn free_addresses<const N: usize>() -> Result<[SocketAddr; N]> {
    // The listeners exist at the same time, so that the ports differ.
    let mut listeners = Vec::with_capacity(N);
    for _ in 0..N {
        listeners.push(listener()?);
    }
    Ok(std::array::from_fn(|position| listeners[position].0))
}

/// Listens on a free port of [`PORTS`].
fn listener() -> Result<(SocketAddr, TcpListener)> {
    let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIED_PORTS {
        let address = (Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)).into();
        match TcpListener::bind(address) {
            Ok(listener) => return Ok((address, listener)),
            Err(error) => refusal = error,
        }
    }
    Err(Error::system("find a free port below the ephemeral ports")(refusal))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::process::ServerProcess;

    /// Starts scripts one after the other, each on an address, until one does not lose its port. Returns the addresses.
    async fn start(scripts: &[&str]) -> (Result<ServerProcess>, Vec<SocketAddr>) {
        let addresses = RefCell::new(Vec::new());
        let started = on_free_addresses(async |[address]| {
            let script = scripts[addresses.borrow().len()];
            addresses.borrow_mut().push(address);
            let mut server = ServerProcess::spawn("the script", Path::new("/bin/sh"), |command, _| {
                command.args(["-c", script]);
            })?;
            let output = server.output_file();
            let says = async || std::fs::read_to_string(&output).is_ok_and(|text| text.contains("listening"));
            server.wait_until_ready(Duration::from_secs(10), says).await?;
            Ok(server)
        })
        .await;
        (started, addresses.into_inner())
    }

    const READY: &str = "echo listening; exec sleep 1000";

    #[tokio::test]
    async fn a_server_whose_port_was_taken_is_started_on_another() {
        for output in ["[Errno 98] Address already in use", "register/listen error: eaddrinuse"] {
            let lost = format!("echo '{output}' >&2; exit 1");
            let (started, addresses) = start(&[&lost, &lost, READY]).await;
            started.unwrap();
            assert_eq!(addresses.len(), 3);
            assert_ne!(addresses[0], addresses[1]);
        }
    }

    #[tokio::test]
    async fn after_the_last_start_the_error_is_returned() {
        let (started, addresses) = start(&["echo 'already in use'; exit 1"; STARTS]).await;
        assert!(started.unwrap_err().to_string().contains("already in use"));
        assert_eq!(addresses.len(), STARTS);
    }

    #[tokio::test]
    async fn a_server_that_ends_for_another_reason_is_not_started_again() {
        let (started, addresses) = start(&["echo 'other error'; exit 1", READY]).await;
        assert!(matches!(started, Err(Error::Exited { .. })), "{started:?}");
        assert_eq!(addresses.len(), 1);
    }

    #[test]
    fn addresses_differ_and_are_not_ephemeral() {
        let [one, two, three]: [SocketAddr; 3] = free_addresses().unwrap();
        assert!(one != two && two != three && three != one);
        assert!([one, two, three].iter().all(|address| PORTS.contains(&address.port())));
    }
}
