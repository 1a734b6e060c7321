//! docs/reference/scenarios.md, run as it stands against the program in each of its modes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod page;
mod program;
mod session;

use crate::program::Program;
use crate::session::Session;

/// Runs every scenario of the page, one after the other as a reader would.
async fn follow(program: Program) {
    let scenarios = page::scenarios();
    assert!(scenarios.len() > 15, "the page is read wrongly: {} scenarios", scenarios.len());
    let run = tokio::task::spawn_blocking(move || {
        let failures = scenarios.iter().filter_map(|scenario| Session::new(&program).run(scenario).err());
        failures.map(|error| format!("{error:#}\n")).collect::<Vec<_>>()
    });
    let failures = run.await.unwrap();
    assert!(failures.is_empty(), "{} scenarios failed:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn all_in_one_process() {
    follow(Program::start(&["--ephemeral"])).await;
}

#[cfg(feature = "rabbitmq")]
#[tokio::test]
async fn over_rabbitmq() {
    let broker = orderflow_testing::rabbitmq::RabbitMq::start().await.unwrap();
    follow(Program::start(&["--ephemeral", "--broker", &broker.uri()])).await;
}

#[cfg(feature = "ministack")]
#[tokio::test]
async fn over_an_emulator_of_aws() {
    let executable = std::env::var_os("ORDERFLOW_MINISTACK").expect("run `cargo xtask test --install`");
    let stack = orderflow_testing::ministack::MiniStack::start(executable.as_ref()).await.unwrap();
    follow(Program::start(&["--aws-endpoint", stack.endpoint()])).await;
}
