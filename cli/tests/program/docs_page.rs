//! `/docs` in a real browser that can reach only the program, and its files against the package that they are from.

use std::process::Command;

use serde_json::Value;

use crate::browser::Browser;
use crate::server::Server;

const SWAGGER_UI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/api-page/swagger-ui");

/// Returns a script for the text of an element, or null until it has one.
fn text_of(selector: &str) -> String {
    format!("return document.querySelector('{selector}')?.textContent || null")
}

/// Opens an operation, and returns the selector of its part of the page.
async fn open_operation(browser: &Browser, name: &str) -> String {
    let part = format!("#operations-{name}");
    browser.click(&format!("{part} .opblock-summary-control")).await;
    browser.eventually(&text_of(&format!("{part} button.execute"))).await;
    part
}

/// Sends the request of an opened operation, and returns the status and the body of the answer as the page shows them.
async fn send(browser: &Browser, part: &str) -> (Value, String) {
    browser.click(&format!("{part} button.execute")).await;
    let answer = format!("{part} .live-responses-table");
    let status = browser.eventually(&text_of(&format!("{answer} .response .response-col_status"))).await;
    let body = browser.eventually(&text_of(&format!("{answer} .response .highlight-code"))).await;
    (status, body.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_page_shows_both_documents_and_sends_requests_without_another_host() {
    let server = Server::ephemeral();
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs", server.url())).await;
    let title = browser.eventually(&text_of(".info h1")).await;
    assert!(title.as_str().unwrap().starts_with("Orderflow"), "{title}");
    let operations = browser.run("return document.querySelectorAll('.opblock').length").await;
    assert!(operations.as_u64().unwrap() >= 25, "{operations}");
    let event =
        browser.eventually(r"return document.getElementById('payment.refunded')?.textContent || null").await;
    assert!(event.as_str().unwrap().contains("Consumers: "), "{event}");

    let place = open_operation(&browser, "orders-placeOrder").await;
    let (status, placed) = send(&browser, &place).await;
    assert!(status.as_str().unwrap().starts_with("202"), "{status}: {placed}");
    assert!(placed.contains("TSHIRT-BLK-M"), "{placed}");
    assert_eq!(browser.console_errors().await, Vec::<String>::new());

    let read = open_operation(&browser, "catalog-readProduct").await;
    browser.enter(&format!("{read} .parameters input"), "NO-SUCH").await;
    let (status, refused) = send(&browser, &read).await;
    assert!(status.as_str().unwrap().starts_with("404"), "{status}: {refused}");
    assert!(refused.contains("urn:orderflow:problem:not-found"), "{refused}");

    let asked =
        browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)").await;
    let asked: Vec<&str> = asked.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    let is_own = |url: &&str| url.starts_with(server.url()) || url.starts_with("data:");
    assert!(asked.len() >= 8 && asked.iter().all(is_own), "{asked:?}");
}

#[test]
fn the_files_of_swagger_ui_are_those_of_its_package() {
    let npm = std::env::var("ORDERFLOW_NPM").unwrap_or_else(|_| "npm".to_owned());
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["run", "check"]] {
        let output = Command::new(&npm).args(arguments).current_dir(SWAGGER_UI).output().unwrap();
        assert!(output.status.success(), "npm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
