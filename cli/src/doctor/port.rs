//! Whether the address is free.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

use super::check::Check;
use crate::serving::reachable;

const NAME: &str = "port";

/// The time that a server at the address has to say what it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn check(address: SocketAddr) -> Check {
    match TcpListener::bind(address).await {
        Ok(_) if address.port() == 0 => {
            Check::ok(NAME, format!("{}: a free port is picked at the start", address.ip()))
        }
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => in_use(address).await,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Check::failed(
            NAME,
            format!("{address}: {error}"),
            "ports below 1024 need a permission of the system: use --port 8080, or --port 0 for a free one",
        ),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Check::failed(
            NAME,
            format!("{address}: {error}"),
            "no interface of this machine has this address: use another --host",
        ),
        Err(error) => Check::failed(NAME, format!("{address}: {error}"), "use another --host or --port"),
    }
}

async fn in_use(address: SocketAddr) -> Check {
    let url = format!("http://{}", reachable(address));
    if is_orderflow(&url).await {
        let advice = format!("use that one (`orderflow health --url {url}`), stop it, or use another --port");
        return Check::failed(NAME, format!("an Orderflow already listens on {address}"), advice);
    }
    let advice = format!(
        "use another --port, or --port 0 for a free one; `ss -ltnp 'sport = :{}'` names the process",
        address.port()
    );
    Check::failed(NAME, format!("another program listens on {address}"), advice)
}

async fn is_orderflow(url: &str) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build();
    let Ok(client) = client else { return false };
    let Ok(response) = client.get(format!("{url}/health")).send().await else { return false };
    // A health report of another program has no parts.
    response
        .json::<Value>()
        .await
        .is_ok_and(|health| health["status"].is_string() && health["parts"].is_object())
}
