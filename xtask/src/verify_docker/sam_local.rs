//! The bundles under `sam local`: each in a container like Lambda's, against MiniStack on Docker's bridge.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::bundles::{Bundle, bundles};
use crate::kept::{Server, retry};
use crate::report::Report;
use crate::tools::Tool;

use super::{Bench, SHORT, readme};

/// The product that the README's order names, and its demo stock.
const STOCK: (&str, &str) = ("TSHIRT-BLK-M", "\"available\":100");

/// Starts the emulator, and has every bundle answer its sample event and the API an order.
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

/// MiniStack, and what `sam local` needs to run bundles against it.
struct Local {
    _ministack: Server,
    template: PathBuf,
}

impl Local {
    fn start(bench: &Bench<'_>) -> Result<Self> {
        let address = free_address(&bridge(bench)?)?;
        let endpoint = format!("http://{address}");
        let ministack = start_ministack(bench, address, &endpoint)?;
        fill(bench, &endpoint)?;
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
        until_reached(&mut api, address)?;
        let url = format!("http://{address}");
        let mut place = readme::place_an_order(bench.workspace, &url)?;
        let placed = bench.outputs.run("sam-start-api-order", SHORT, &mut place)?;
        ensure!(placed.contains("\"status\":\"pending\""), "the answer was {placed}");
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
        credentials(&mut command);
        bench.docker.reach(&mut command, &[&bench.toolbox.sam_folder()])?;
        Ok(command)
    }
}

/// Fails when a function's answer says that it failed.
fn check(answer: &str) -> Result<()> {
    let value: Value =
        serde_json::from_str(answer.trim()).with_context(|| format!("the answer was {answer:?}"))?;
    let status = value["statusCode"].as_u64().unwrap_or(200);
    if value.get("errorType").is_some() || !(200..300).contains(&status) {
        bail!("the answer was {value}");
    }
    Ok(())
}

/// The address of this machine that containers see.
fn bridge(bench: &Bench<'_>) -> Result<String> {
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
    until_reached(&mut ministack, address)?;
    Ok(ministack)
}

/// Has the program make tables, topic and queues, and sell the demo products.
fn fill(bench: &Bench<'_>, endpoint: &str) -> Result<()> {
    let address = free_address("127.0.0.1")?;
    let mut up = Command::new(bench.workspace.target().join("debug/orderflow"));
    up.args(["up", "--aws-endpoint", endpoint, "--port", &address.port().to_string()]);
    credentials(&mut up);
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

/// Emulators take any.
fn credentials(command: &mut Command) {
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1");
}

fn until_reached(server: &mut Server, address: SocketAddr) -> Result<()> {
    retry(SHORT, || {
        server.check()?;
        TcpStream::connect(address).with_context(|| format!("{address} does not answer"))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_failed_is_told_from_one_that_answered() {
        for answer in ["null\n", "{\"batchItemFailures\":[]}", "{\"statusCode\":202,\"body\":\"\"}"] {
            check(answer).unwrap();
        }
        for answer in ["", "{\"errorType\":\"x\"}", "{\"statusCode\":500,\"body\":\"\"}"] {
            assert!(check(answer).is_err(), "{answer}");
        }
    }
}
