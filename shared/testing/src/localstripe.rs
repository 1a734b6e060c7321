//! localstripe, an emulator of Stripe's API.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::ports::on_free_addresses;
use crate::process::ServerProcess;

/// A Python program that starts in about a second, but takes many more on a machine that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Serves localstripe's application on loopback. Its own command listens on every address and keeps the data of all instances in one file.
///
/// Beside localstripe's own `POST /_config/webhooks/ID`, which names the receiver of its events, `POST /_config/refunds/ID/fail` has a refund fail
/// after it was accepted, and `POST /_config/disputes/INTENT` opens a dispute. localstripe knows neither, but signs and delivers their events as all
/// others.
const RUNNER: &str = "
import socket, sys
from aiohttp import web
from localstripe.resources import Event, Refund, Store, StripeObject
from localstripe.server import app
from localstripe.webhooks import schedule_webhook
Store.dump_to_disk = lambda store: None

class Dispute(StripeObject):
    object = 'dispute'
    _id_prefix = 'du_'
    def __init__(self, intent):
        super().__init__()
        self.payment_intent, self.reason, self.status, self.metadata = intent, 'fraudulent', 'needs_response', {}

async def fail_refund(request):
    refund = Refund._api_retrieve(request.match_info['id'])
    refund.status, refund.failure_reason = 'failed', 'lost_or_stolen_card'
    schedule_webhook(Event('refund.failed', refund))
    return web.Response()

async def open_dispute(request):
    schedule_webhook(Event('charge.dispute.created', Dispute(request.match_info['intent'])))
    return web.Response()

app.router.add_post('/_config/refunds/{id}/fail', fail_refund)
app.router.add_post('/_config/disputes/{intent}', open_dispute)
web.run_app(app, sock=socket.create_server(('127.0.0.1', int(sys.argv[1]))), print=None)
";

/// A private, empty localstripe, stopped on drop. It accepts every secret key and ignores `Idempotency-Key`.
#[derive(Debug)]
pub struct LocalStripe {
    _server: ServerProcess,
    address: SocketAddr,
}

impl LocalStripe {
    /// Starts localstripe with a `python` that has it installed, and waits until it responds.
    ///
    /// # Errors
    /// The server cannot be started, ends, or does not respond within a minute.
    pub async fn start(python: &Path) -> Result<Self> {
        on_free_addresses(async |[address]| Self::start_on(address, python).await).await
    }

    async fn start_on(address: SocketAddr, python: &Path) -> Result<Self> {
        let mut server = ServerProcess::spawn("localstripe", python, |command, folder| {
            command.args(["-c", RUNNER, &address.port().to_string()]).current_dir(folder);
        })?;
        let page = format!("http://{address}/js.stripe.com/v3/");
        let answers = async || reqwest::get(&page).await.is_ok_and(|answer| answer.status().is_success());
        server.wait_until_ready(START_PATIENCE, answers).await?;
        Ok(Self { _server: server, address })
    }

    /// Returns the URL before `/v1`, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
