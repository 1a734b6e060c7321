//! Addresses for servers that can't bind port 0 and say what they got.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::{Error, Result};

/// Below every usual range of ephemeral ports: no outgoing connection is given such a port, not even that of a client which tries to reconnect
/// to a server that is down (which the system would connect to itself), and no listener that asks for any.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How many ports are tried until one is free.
const TRIED_PORTS: usize = 100;

/// How often a server is started that loses its ports to others.
const STARTS: usize = 3;

/// What servers write that end because somebody else listens there: Python and Go, Erlang, its name service.
const SIGNS_OF_A_TAKEN_PORT: [&str; 3] = ["already in use", "eaddrinuse", "already a epmd running"];

/// Starts a server on loopback addresses whose ports nobody listens on.
///
/// Another process may take a port before the server does. A server that ends saying so is started again, on other ports.
///
/// # Errors
/// [`Error::System`] when the system has no free port; else what `start` fails with.
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
    SIGNS_OF_A_TAKEN_PORT.iter().any(|sign| output.contains(sign))
}

fn free_addresses<const N: usize>() -> Result<[SocketAddr; N]> {
    // Listened on together, so that they differ.
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
    Err(Error::system("could not find a free port below the ephemeral ones")(refusal))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::process::ServerProcess;

    /// Starts scripts one after the other, each on an address, until one is not to be started again. Gives the addresses.
    async fn start(scripts: &[&str]) -> (Result<ServerProcess>, Vec<SocketAddr>) {
        let addresses = RefCell::new(Vec::new());
        let started = on_free_addresses(async |[address]| {
            let script = scripts[addresses.borrow().len()];
            addresses.borrow_mut().push(address);
            let mut server = ServerProcess::spawn("the script", Path::new("/bin/sh"), |command, _| {
                command.args(["-c", script]);
            })?;
            let output = server.output_file();
            let says = async || std::fs::read_to_string(&output).is_ok_and(|text| text.contains("ready"));
            server.wait_until_ready(Duration::from_secs(10), says).await?;
            Ok(server)
        })
        .await;
        (started, addresses.into_inner())
    }

    const READY: &str = "echo ready; exec sleep 1000";

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
    async fn a_server_that_always_loses_its_port_is_given_up() {
        let (started, addresses) = start(&["echo 'already in use'; exit 1"; STARTS]).await;
        assert!(started.unwrap_err().to_string().contains("already in use"));
        assert_eq!(addresses.len(), STARTS);
    }

    #[tokio::test]
    async fn a_server_that_ends_for_another_reason_is_not_started_again() {
        let (started, addresses) = start(&["echo 'no such luck'; exit 1", READY]).await;
        assert!(matches!(started, Err(Error::Exited { .. })), "{started:?}");
        assert_eq!(addresses.len(), 1);
    }

    #[test]
    fn the_addresses_of_a_server_differ_and_are_never_given_to_outgoing_connections() {
        let [one, two, three]: [SocketAddr; 3] = free_addresses().unwrap();
        assert!(one != two && two != three && three != one);
        assert!([one, two, three].iter().all(|address| PORTS.contains(&address.port())));
    }
}
