//! Runs the commands of docs/reference/scenarios.md against the program in each of its modes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod page;
mod program;
mod session;

use crate::program::Shop;
use crate::session::Session;

/// Runs every scenario of the page in order, as a reader would.
async fn follow(program: Shop) {
    let scenarios = page::scenarios();
    assert!(scenarios.len() > 15, "only {} scenarios were found on the page", scenarios.len());
    let run = tokio::task::spawn_blocking(move || {
        let failures = scenarios.iter().filter_map(|scenario| Session::new(&program).run(scenario).err());
        failures.map(|error| format!("{error:#}\n")).collect::<Vec<_>>()
    });
    let failures = run.await.unwrap();
    assert!(failures.is_empty(), "{} scenarios failed:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn the_scenarios_hold_in_one_process() {
    follow(Shop::start(&["--ephemeral"])).await;
}

#[cfg(feature = "rabbitmq")]
#[tokio::test]
async fn the_scenarios_hold_over_rabbitmq() {
    let broker = orderflow_testing::rabbitmq::RabbitMq::start().await.unwrap();
    follow(Shop::start(&["--ephemeral", "--broker", &broker.uri()])).await;
}

#[cfg(feature = "ministack")]
#[tokio::test]
async fn the_scenarios_hold_over_an_emulator_of_aws() {
    let executable = std::env::var_os("ORDERFLOW_MINISTACK").expect("run `cargo xtask test --install`");
    let stack = orderflow_testing::ministack::MiniStack::start(executable.as_ref()).await.unwrap();
    follow(Shop::start(&["--aws-endpoint", stack.endpoint()])).await;
}
