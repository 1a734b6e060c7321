//! `orderflow bench`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use orderflow_testing::program::{Launch, PATIENCE, Run, Signal};
use rustix::process::{Pid, kill_process};
use serde_json::Value;

use crate::server::Server;

fn bench(arguments: &[&str]) -> Run {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["bench"].iter().chain(arguments)).run()
}

/// Runs a measurement and checks that its figures are consistent.
fn figures(arguments: &[&str]) -> Value {
    let run = bench(&[arguments, &["--json"]].concat());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let figures: Value = serde_json::from_str(&run.out).unwrap();
    for latency in ["post_ms", "end_to_end_ms"] {
        let quantiles = ["p50", "p90", "p99", "max"].map(|name| figures[latency][name].as_f64().unwrap());
        assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{latency}: {quantiles:?}");
    }
    let number = |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("{name}: {figures}"));
    assert!(number("load_s") <= number("total_s"));
    for (rate, count, seconds) in
        [("accepted_per_s", "accepted", "load_s"), ("completed_per_s", "completed", "total_s")]
    {
        // The seconds have three decimals.
        assert!((number(count) / number(rate) - number(seconds)).abs() < 0.001, "{rate}: {figures}");
    }
    let processes = figures["processes"].as_array().unwrap();
    let sum = |name: &str| processes.iter().map(|process| process[name].as_f64().unwrap()).sum::<f64>();
    assert!(number("cpu_ms_per_order") > 0.0 && number("peak_rss_mib") > 1.0);
    assert!((number("cpu_ms_per_order") - sum("cpu_ms_per_order")).abs() < 0.01);
    assert!((number("peak_rss_mib") - sum("peak_rss_mib")).abs() < 0.01);
    assert!(figures["load_generator"]["cpu_ms_per_order"].is_number());
    figures
}

#[test]
fn a_temporary_shop_is_measured_and_every_order_completes() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let figures = figures(&["--orders", "50", "--warm-up", "5", "--report", report.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(report).unwrap().matches("<svg").count(), 3);
    assert_eq!((&figures["accepted"], &figures["completed"]), (&Value::from(50), &Value::from(50)));
    assert_eq!(figures["outcomes"]["confirmed"], 50);
    assert_eq!(figures["processes"][0]["role"], "shop");
}

#[test]
fn an_open_loop_places_the_planned_orders_and_they_end_as_the_scenario_says() {
    let figures = figures(&[
        "--scenario",
        "mixed",
        "--rate",
        "20",
        "--duration",
        "2s",
        "--warm-up",
        "0",
        "--clients",
        "4",
    ]);
    assert_eq!((&figures["accepted"], &figures["loop"]), (&Value::from(40), &Value::from("open")));
    assert_eq!(
        (&figures["outcomes"]["confirmed"], &figures["outcomes"]["rejected"]),
        (&32.into(), &8.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_runs_keeps_the_orders_and_sells_the_products_no_more() {
    let server = Server::ephemeral();
    let url = server.url().to_owned();
    let figures =
        tokio::task::spawn_blocking(move || figures(&["--url", &url, "--orders", "7"])).await.unwrap();
    assert_eq!((&figures["accepted"], &figures["shop"]), (&Value::from(7), &Value::from("url")));
    assert_eq!(server.orders("&status=confirmed").await.len(), 7);
    let products = server.get("/api/v1/products?limit=100").await;
    assert!(!products.to_string().contains("BENCH-"), "{products}");
}

#[test]
fn errors_name_the_flag() {
    for (arguments, expected) in [
        (&["--url", "http://127.0.0.1:1"][..], "error: --url: "),
        (&["--url", "https://127.0.0.1"], "error: --url: must begin with http://"),
        (&["--broker", "http://h"], "error: --broker: must be a URL such as"),
        (&["--data-dir", "/nowhere"], "error: --data-dir: no folder can be made in /nowhere"),
        (&["--log", "/nowhere/log"], "error: --log: /nowhere/log cannot be written"),
        (&["--pid", "4194305"], "error: --pid: there is no process 4194305"),
        (&["--set", "ORDERFLOW_CURRENCY=x"], "error: the temporary shop ended before it listened"),
    ] {
        let run = bench(arguments);
        assert!(
            run.code == 1 && run.out.is_empty() && run.err.starts_with(expected),
            "{arguments:?}: {}",
            run.err
        );
    }
}

#[test]
fn an_interrupted_measurement_shows_the_figures_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let arguments =
        ["bench", "--orders", "1000000", "--warm-up", "0", "--json", "--log", log.to_str().unwrap()];
    let launch = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("RUST_LOG", "info");
    let child = launch.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command handles signals before it starts the shop, which logs its first orders.
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(&log).unwrap_or_default().contains("notification sent") {
        assert!(Instant::now() < deadline, "the shop logs nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&figures["interrupted"], &figures["accepted"]), (&Value::from(true), &figures["completed"]));
    assert!(figures["accepted"].as_u64().unwrap() > 0, "{figures}");
}
