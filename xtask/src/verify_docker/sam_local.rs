//! Runs each bundle under `sam local`, in a container like Lambda's, with MiniStack on Docker's bridge network.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::bundles::{Bundle, bundles};
use crate::process::{Server, retry};
use crate::readme;
use crate::report::Report;
use crate::tools::Tool;

use super::{Bench, SHORT};

/// The product in the README's order, and its stock among the demo products.
const STOCK: (&str, &str) = ("TSHIRT-BLK-M", "\"available\":100");

/// Starts the emulator, invokes every bundle with its sample event, and places an order through the API.
pub(super) fn run(bench: &Bench<'_>, report: &mut Report) {
    let started = report.produce("sam local: emulator, tables and products", || {
        Ok((Local::start(bench)?, bundles(bench.workspace)?))
    });
    let Some((local, bundles)) = started else {
        return;
    };
    for bundle in bundles {
        report.run(format!("sam local invoke {}", bundle.function()), || local.invoke(bench, &bundle));
    }
    report.run("sam local start-api: POST an order", || local.start_api(bench));
}

/// A running MiniStack, and the template with which `sam local` runs bundles against it.
struct Local {
    _ministack: Server,
    template: PathBuf,
}

impl Local {
    fn start(bench: &Bench<'_>) -> Result<Self> {
        let address = free_address(&bridge_address(bench)?)?;
        let endpoint = format!("http://{address}");
        let ministack = start_ministack(bench, address, &endpoint)?;
        create_resources(bench, &endpoint)?;
        let folder = bench.outputs.folder().join("sam-local");
        let mut package = bench.workspace.program("localstack/package");
        package.arg(&folder).arg(&endpoint).env("ORDERFLOW_BUNDLES", bench.workspace.target().join("debug"));
        bench.outputs.run("sam-package", SHORT, &mut package)?;
        Ok(Self { _ministack: ministack, template: folder.join("template.yaml") })
    }

    fn invoke(&self, bench: &Bench<'_>, bundle: &Bundle) -> Result<()> {
        let event = bench.workspace.resolve("events").join(format!("{}.json", bundle.name));
        let mut invoke = self.sam(bench, &["invoke", &bundle.function()])?;
        invoke.arg("--event").arg(event);
        check(&bench.outputs.run(&format!("sam-invoke-{}", bundle.name), SHORT, &mut invoke)?)
    }

    fn start_api(&self, bench: &Bench<'_>) -> Result<()> {
        let address = free_address("127.0.0.1")?;
        let mut start = self.sam(bench, &["start-api", "--port", &address.port().to_string()])?;
        let mut api = bench.outputs.start("sam-start-api", &mut start)?;
        wait_until_reachable(&mut api, address)?;
        let url = format!("http://{address}");
        let mut place = readme::place_an_order(bench.workspace, &url)?;
        let placed = bench.outputs.run("sam-start-api-order", SHORT, &mut place)?;
        ensure!(placed.contains("\"status\":\"pending\""), "the response is {placed}");
        Ok(())
    }

    fn sam(&self, bench: &Bench<'_>, arguments: &[&str]) -> Result<Command> {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let mut command = bench.workspace.program("sam");
        command
            .arg("local")
            .args(arguments)
            .arg("--template")
            .arg(&self.template)
            .args(["--skip-pull-image", "--parameter-overrides", "OpenAccess=true"])
            .arg(format!("Architecture={architecture}"))
            .env("SAM_CLI_TELEMETRY", "0");
        set_credentials(&mut command);
        bench.docker.connect(&mut command, &[&bench.toolbox.sam_folder()])?;
        Ok(command)
    }
}

/// Fails if a function's response is an error.
fn check(answer: &str) -> Result<()> {
    let value: Value =
        serde_json::from_str(answer.trim()).with_context(|| format!("the response is {answer:?}"))?;
    let status = value["statusCode"].as_u64().unwrap_or(200);
    if value.get("errorType").is_some() || !(200..300).contains(&status) {
        bail!("the response is {value}");
    }
    Ok(())
}

/// Returns the address of this machine on Docker's bridge network.
fn bridge_address(bench: &Bench<'_>) -> Result<String> {
    let format = "{{(index .IPAM.Config 0).Gateway}}";
    let mut inspect = bench.docker.docker(["network", "inspect", "bridge", "--format", format])?;
    Ok(bench.outputs.run("bridge", SHORT, &mut inspect)?.trim().to_owned())
}

fn free_address(host: &str) -> Result<SocketAddr> {
    let listener = TcpListener::bind((host, 0)).with_context(|| format!("listen on {host}"))?;
    Ok(listener.local_addr()?)
}

fn start_ministack(bench: &Bench<'_>, address: SocketAddr, endpoint: &str) -> Result<Server> {
    let mut command = Command::new(bench.toolbox.find(Tool::MiniStack).context("MiniStack disappeared")?);
    command
        .env("AUTH", "true")
        .env("BIND_HOST", address.ip().to_string())
        .env("GATEWAY_PORT", address.port().to_string())
        .env("AWS_ENDPOINT_URL", endpoint);
    let mut ministack = bench.outputs.start("ministack", &mut command)?;
    wait_until_reachable(&mut ministack, address)?;
    Ok(ministack)
}

/// Runs the program until it has created tables, topic, queues and the demo products.
fn create_resources(bench: &Bench<'_>, endpoint: &str) -> Result<()> {
    let address = free_address("127.0.0.1")?;
    let mut up = Command::new(bench.workspace.target().join("debug/orderflow"));
    up.args(["up", "--aws-endpoint", endpoint, "--port", &address.port().to_string()]);
    set_credentials(&mut up);
    let mut system = bench.outputs.start("orderflow-up", &mut up)?;
    let (sku, stocked) = STOCK;
    let url = format!("http://{address}/api/v1/inventory/{sku}");
    retry(SHORT, || {
        system.check()?;
        let mut show = Command::new("curl");
        let level = bench.outputs.run("demo-stock", SHORT, show.args(["-s", &url]))?;
        ensure!(level.contains(stocked), "the stock is {level:?}");
        Ok(())
    })
}

/// Sets credentials, of which emulators accept any.
fn set_credentials(command: &mut Command) {
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1");
}

fn wait_until_reachable(server: &mut Server, address: SocketAddr) -> Result<()> {
    retry(SHORT, || {
        server.check()?;
        TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_response_is_recognised() {
        for answer in ["null\n", "{\"batchItemFailures\":[]}", "{\"statusCode\":202,\"body\":\"\"}"] {
            check(answer).unwrap();
        }
        for answer in ["", "{\"errorType\":\"x\"}", "{\"statusCode\":500,\"body\":\"\"}"] {
            assert!(check(answer).is_err(), "{answer}");
        }
    }
}
