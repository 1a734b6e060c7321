//! Ctrl-C and SIGTERM: the first ends the load, the second also the wait for its completion.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The signals so far.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    /// Becomes true with the first signal.
    pub stop: watch::Receiver<bool>,
    /// Becomes true with the second.
    pub give_up: watch::Receiver<bool>,
}

impl Interrupts {
    /// Installs the handlers of both signals.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub(crate) fn listen() -> io::Result<Self> {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let ((stopping, stop), (giving_up, give_up)) = (watch::channel(false), watch::channel(false));
        tokio::spawn(async move {
            for sender in [&stopping, &giving_up] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_replace(true);
            }
            // Further signals are ignored; the senders stay open for those who wait.
            std::future::pending::<()>().await;
        });
        Ok(Self { stop, give_up })
    }

    /// Returns whether the load was ended by a signal.
    pub(crate) fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(crate) fn gave_up(&self) -> bool {
        *self.give_up.borrow()
    }
}
