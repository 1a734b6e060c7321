//! The shop of the demo: a process, its API, and its mail server.

use std::time::{Duration, Instant};

use orderflow_lab::{Folder, Shop, TemporaryPlan};
use reqwest::Method;
use serde_json::{Value, json};

use super::error::DemoError;
use super::mail::MailServer;
use super::screen::{Screen, members};
use crate::client::ClientError;
use crate::client::http::{Api, ApiRequest, ApiResponse};

/// How long a step may take to end.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often the state is read meanwhile.
const POLL: Duration = Duration::from_millis(25);

/// How long a process may take to end after its connections broke.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// A running shop.
pub(super) struct DemoShop {
    process: Shop,
    api: Api,
    pub(super) mail: MailServer,
}

impl DemoShop {
    /// Starts a shop with an empty store and a mail server.
    ///
    /// # Errors
    /// If either does not start.
    pub(super) async fn start() -> Result<Self, DemoError> {
        let mail = MailServer::start().await.map_err(DemoError::Mail)?;
        let variables = [("SMTP_URL", mail.url()), ("MAIL_FROM", "shop@example.com".to_owned())];
        let plan = TemporaryPlan {
            variables: variables.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            ..TemporaryPlan::default()
        };
        let process = Shop::start(&plan, Folder::make(&plan)?)?;
        let api = api(&process)?;
        Ok(Self { process, api, mail })
    }

    /// Returns the address at which it listens.
    pub(super) fn url(&self) -> &str {
        self.process.url()
    }

    /// Returns the id of the process.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the process with SIGKILL.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts a process with the data of the one that was killed.
    ///
    /// # Errors
    /// If it does not start.
    pub(super) fn restart(&mut self) -> Result<(), DemoError> {
        self.process.restart()?;
        self.api = api(&self.process)?;
        Ok(())
    }

    /// Returns why a step failed. A shop that has ended is the cause of a request without an answer, and its log says why.
    pub(super) async fn cause_of(&mut self, error: DemoError) -> DemoError {
        let has_no_answer = matches!(&error, DemoError::Client(error) if error.is_passing());
        let deadline = Instant::now() + END_TIMEOUT;
        // Connections break before the process has ended.
        while has_no_answer && Instant::now() < deadline {
            if let Err(ended) = self.process.check() {
                return ended.into();
            }
            tokio::time::sleep(POLL).await;
        }
        error
    }

    /// Stops the process in order.
    pub(super) fn stop(&mut self) {
        self.process.stop();
    }

    /// Sends a request, and shows it and some members of its answer.
    ///
    /// # Errors
    /// If it is refused.
    pub(super) async fn show(
        &self,
        screen: &mut Screen<'_>,
        request: &ApiRequest,
        shown: &[&str],
    ) -> Result<Value, DemoError> {
        screen.request(request)?;
        let answer = self.api.fetch(request).await?;
        let value: Value = answer.decode()?;
        screen.answer(answer.status, &members(&value, shown))?;
        Ok(value)
    }

    /// Sends a request and returns its answer.
    ///
    /// # Errors
    /// If it is refused.
    pub(super) async fn send(&self, request: &ApiRequest) -> Result<ApiResponse, ClientError> {
        self.api.fetch(request).await
    }

    /// Reads a resource until it is as expected.
    ///
    /// # Errors
    /// [`DemoError::Unexpected`] if it is not in time.
    pub(super) async fn until(
        &self,
        expected: &'static str,
        request: &ApiRequest,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value, DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Value = self.api.fetch(request).await?.decode()?;
            if holds(&answer) {
                return Ok(answer);
            }
            if Instant::now() >= deadline {
                return Err(DemoError::Unexpected { expected, waited: PATIENCE, last: answer });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Reads the metrics until a line is among them, and returns all of them.
    ///
    /// # Errors
    /// [`DemoError::Unexpected`] if it is not in time.
    pub(super) async fn until_metric(&self, line: &'static str) -> Result<String, DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = self.api.fetch(&ApiRequest::new(Method::GET, "/metrics")).await?.body;
            if metrics.lines().any(|found| found == line) {
                return Ok(metrics);
            }
            if Instant::now() >= deadline {
                let last = json!(metrics);
                return Err(DemoError::Unexpected { expected: line, waited: PATIENCE, last });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn api(process: &Shop) -> Result<Api, DemoError> {
    let url = process.url().parse();
    let url = url.map_err(|_| ClientError::Usage(format!("the shop announced {:?}", process.url())))?;
    Ok(Api::new(url, None)?)
}
