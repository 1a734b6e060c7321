//! `/docs` in a real browser that can reach only the program.

use crate::browser::Browser;
use crate::server::Server;

/// Returns a script for the text of an element, or null until it has one.
fn text_of(selector: &str) -> String {
    format!(
        "const text = document.querySelector('{selector}')?.textContent; return text && text !== '…' ? text : null"
    )
}

#[tokio::test]
async fn the_page_shows_both_documents_and_sends_requests_without_another_host() {
    let server = Server::ephemeral();
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs", server.url())).await;
    let title = browser.eventually(&text_of("h1")).await;
    assert!(title.as_str().unwrap().starts_with("Orderflow"), "{title}");
    let operations = browser.run("return document.querySelectorAll('form').length").await;
    assert!(operations.as_u64().unwrap() >= 25, "{operations}");
    let events = browser.run("return document.body.textContent.includes('payment.refunded')").await;
    assert_eq!(events, true);

    browser.click("#placeOrder > summary").await;
    browser.click("#placeOrder button").await;
    let placed = browser.eventually(&text_of("#placeOrder .answer")).await;
    let placed = placed.as_str().unwrap();
    assert!(placed.starts_with("202\nlocation: /api/v1/orders/"), "{placed}");
    assert!(placed.contains("TSHIRT-BLK-M"), "{placed}");

    browser.click("#readProduct > summary").await;
    browser.run("document.querySelector('#readProduct input').value = 'NO SÜCH?'").await;
    browser.click("#readProduct button").await;
    let refused = browser.eventually(&text_of("#readProduct .answer")).await;
    assert!(refused.as_str().unwrap().contains("urn:orderflow:problem:not-found"), "{refused}");

    let asked =
        browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)").await;
    let asked: Vec<&str> = asked.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert!(asked.len() >= 4 && asked.iter().all(|url| url.starts_with(server.url())), "{asked:?}");
}
