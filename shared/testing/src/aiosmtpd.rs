//! aiosmtpd, a mail server that stores the mail that it receives.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::ports::on_free_addresses;
use crate::process::ServerProcess;
use crate::{Error, Result};

/// A Python program that starts in less than a second, but takes many more on a machine that is busy compiling.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A private, empty mail server, stopped on drop.
#[derive(Debug)]
pub struct Aiosmtpd {
    // Owns the folder of the mail.
    _server: ServerProcess,
    address: SocketAddr,
    mailbox: PathBuf,
}

impl Aiosmtpd {
    /// Starts `executable` on a free port and waits until it accepts connections.
    ///
    /// # Errors
    /// The server cannot be started, ends, or does not listen within a minute.
    pub async fn start(executable: &Path) -> Result<Self> {
        on_free_addresses(async |[address]| Self::start_on(address, executable).await).await
    }

    async fn start_on(address: SocketAddr, executable: &Path) -> Result<Self> {
        let mut mailbox = PathBuf::new();
        let mut server = ServerProcess::spawn("aiosmtpd", executable, |command, folder| {
            mailbox = folder.join("mailbox");
            command
                .args(["--nosetuid", "--class", "aiosmtpd.handlers.Mailbox", "--listen"])
                .arg(address.to_string())
                .arg(&mailbox)
                .current_dir(folder);
        })?;
        let listens = async || TcpStream::connect(address).await.is_ok();
        server.wait_until_ready(START_PATIENCE, listens).await?;
        Ok(Self { _server: server, address, mailbox })
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the received mail, unchanged except for line ends, in no particular order.
    ///
    /// # Errors
    /// [`Error::System`] if the mailbox cannot be read.
    pub fn mails(&self) -> Result<Vec<String>> {
        let unreadable = || Error::system("read the mailbox");
        let files = std::fs::read_dir(self.mailbox.join("new")).map_err(unreadable())?;
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            file.and_then(|file| std::fs::read_to_string(file.path())).map_err(unreadable())
        };
        files.map(read).collect()
    }
}
