//! A headless Chromium, driven by WebDriver (W3C).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use orderflow_testing::program::PATIENCE;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Flags that let it run as root, and make no requests of its own.
const ARGUMENTS: [&str; 5] =
    ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

/// A browser with one window; ended when dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    /// The path of the session on the driver.
    session: String,
    client: reqwest::Client,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser that resolves no host except this machine.
    pub(crate) async fn start() -> Self {
        Self::resolving(&[]).await
    }

    /// Starts a browser that besides resolves names as these rules of `--host-resolver-rules` say.
    pub(crate) async fn resolving(rules: &[String]) -> Self {
        let rules: Vec<&str> =
            rules.iter().map(String::as_str).chain(["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]).collect();
        let rules = format!("--host-resolver-rules={}", rules.join(", "));
        let driver = std::env::var("ORDERFLOW_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut driver = Command::new(driver).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = port_in(lines);
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([folder.as_str(), rules.as_str()]).collect();
        let options =
            json!({"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}});
        let wanted = json!({"capabilities": {"alwaysMatch": options}});
        let client = reqwest::Client::new();
        let sessions = format!("http://127.0.0.1:{port}/session");
        let answer = client.post(sessions).json(&wanted).timeout(PATIENCE).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Self { driver, port, session: format!("/session/{id}"), client, _profile: profile }
    }

    async fn command(&self, name: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{}{}/{name}", self.port, self.session);
        let answer = self.client.post(url).json(body).timeout(PATIENCE).send().await.unwrap();
        let status = answer.status();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{name}: {answer}");
        answer["value"].take()
    }

    pub(crate) async fn open(&self, url: &str) {
        self.command("url", &json!({"url": url})).await;
    }

    /// Clicks the first element that matches a CSS selector.
    pub(crate) async fn click(&self, selector: &str) {
        let id = self.find(selector).await;
        self.command(&format!("element/{id}/click"), &json!({})).await;
    }

    /// Types into the first element that matches a CSS selector.
    pub(crate) async fn enter(&self, selector: &str, text: &str) {
        let id = self.find(selector).await;
        self.command(&format!("element/{id}/value"), &json!({"text": text})).await;
    }

    async fn find(&self, selector: &str) -> String {
        let found = self.command("element", &json!({"using": "css selector", "value": selector})).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Returns the errors in the browser's console since the last call.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let entries = self.command("se/log", &json!({"type": "browser"})).await;
        let errors = entries.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns the result of a script.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command("execute/sync", &json!({"script": script, "args": []})).await
    }

    /// Returns the result of a script once it is not null.
    pub(crate) async fn eventually(&self, script: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.run(script).await;
            if !value.is_null() {
                return value;
            }
            assert!(Instant::now() < deadline, "not in time: {script}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    fn end_session(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", self.session)?;
        // The driver answers when the browser has ended.
        stream.read(&mut [0; 64]).map(drop)
    }
}

/// Returns the port that the driver prints at its start.
fn port_in(lines: impl Iterator<Item = String>) -> u16 {
    let said = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok();
    lines.into_iter().find_map(said).expect("the driver prints its port")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver does not end the browser unless the session is ended.
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
