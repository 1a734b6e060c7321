//! The template, deployed by `localstack/deploy` to an emulator that enforces policies.

mod access;
mod dead_letters;
mod issuer;
mod orders;
mod products;
mod shop;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use orderflow_testing::ministack::MiniStack;

use crate::world::tool;
use shop::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_system_settles_orders_and_dead_letters_poison() {
    let stack = MiniStack::start_enforcing(&tool("ORDERFLOW_MINISTACK")).await.unwrap();
    let shop = deploy(&stack, Vec::new()).await;
    orders::are_settled(&shop).await;
    orders::are_not_the_only_cause_of_messages(&shop).await;
    products::are_changed_and_counted(&shop).await;
    dead_letters::are_corrected_by_the_program(&shop, stack.endpoint()).await;
    dead_letters::are_corrected_over_http(&shop, stack.endpoint()).await;

    script("remove", stack.endpoint(), Vec::new()).await;
    assert_eq!(shop.get("/health").await.status(), 404);
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    let linter = sam().with_file_name("cfn-lint");
    for template in ["template.yaml", "template-rabbitmq.yaml"] {
        for (program, arguments) in
            [(sam(), &["validate", "--lint", "--template"][..]), (linter.clone(), &["--template"])]
        {
            let checked = Command::new(program)
                .args(arguments)
                .arg(root().join(template))
                .envs([("AWS_DEFAULT_REGION", "us-east-1"), ("SAM_CLI_TELEMETRY", "0")])
                .output();
            succeeded(checked.unwrap());
        }
    }
}

/// Deploys with these variables, and returns the URL in the last line of the output.
async fn deploy(stack: &MiniStack, variables: Vec<(&'static str, String)>) -> Shop {
    let deployed = script("deploy", stack.endpoint(), variables).await;
    let told = String::from_utf8_lossy(&deployed.stderr);
    assert!(told.contains("the order is confirmed"), "{told}");
    let output = String::from_utf8_lossy(&deployed.stdout);
    let url = output.lines().last().and_then(|line| line.strip_prefix("api: "));
    Shop::new(url.unwrap_or_else(|| panic!("no URL: {output}")))
}

/// Runs a script of `localstack/` with the SAM CLI on the PATH.
async fn script(name: &str, endpoint: &str, variables: Vec<(&'static str, String)>) -> Output {
    let mut command = Command::new(root().join("localstack").join(name));
    let tools = sam().parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    command.arg(endpoint).env("PATH", format!("{}:{path}", tools.display())).envs(variables);
    run(command).await
}

/// Runs a program and checks that it succeeds.
async fn run(mut command: Command) -> Output {
    succeeded(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

#[track_caller]
fn succeeded(output: Output) -> Output {
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    output
}

/// Returns the folder of the SAM CLI, whose package contains the Runtime Interface Emulator and cfn-lint.
fn sam() -> PathBuf {
    let emulator = tool("ORDERFLOW_RIE");
    let mut folders = emulator.ancestors().map(|folder| folder.join("bin/sam"));
    folders.find(|program| program.is_file()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
