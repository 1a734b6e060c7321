//! The address of the broker.

use std::fmt;
use std::str::FromStr;

use lapin::uri::AMQPUri;

/// The heartbeat interval that the client asks for, in seconds (AMQP 0-9-1, connection.tune). A connection without traffic counts as broken
/// after it.
const HEARTBEAT_SECONDS: u16 = 10;

/// The address of the broker: `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. `Display` and `Debug` omit the credentials,
/// and the virtual host if it is the default.
#[derive(Clone)]
pub struct BrokerUri(AMQPUri);

/// The text is no [`BrokerUri`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as amqp://user:password@host:5672/%2f: {0}")]
pub struct BrokerUriError(String);

impl FromStr for BrokerUri {
    type Err = BrokerUriError;

    fn from_str(text: &str) -> Result<Self, BrokerUriError> {
        // A text that cannot be parsed may still contain a password.
        let hidden = |reason: String| BrokerUriError(reason.replace(text, "..."));
        let mut uri: AMQPUri = text.parse().map_err(hidden)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self(uri))
    }
}

impl BrokerUri {
    /// Returns the address with another password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.0.authority.userinfo.password);
        self
    }

    /// Returns whether these are the user name and the password.
    pub fn has_credentials(&self, user: &str, password: &str) -> bool {
        let known = &self.0.authority.userinfo;
        known.username == user && known.password == password
    }
}

impl BrokerUri {
    pub(super) fn to_amqp(&self) -> AMQPUri {
        self.0.clone()
    }
}

impl fmt::Display for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.0;
        write!(f, "{}:{}", authority.host, authority.port)?;
        // The default virtual host is "/".
        if vhost == "/" { Ok(()) } else { write!(f, "/{vhost}") }
    }
}

impl fmt::Debug for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUri({self})")
    }
}

/// The address of the broker, and the certificate authorities that it is verified with.
#[derive(Debug, Clone)]
pub struct BrokerAddress {
    /// The address.
    pub uri: BrokerUri,
    /// The certificates of these authorities, in PEM. `None` stands for those of the operating system.
    pub ca_certificates: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        let uri: BrokerUri = "amqp://shop:s3cret@broker.example:5673/orders".parse().unwrap();
        let shown = format!("{uri} {uri:?}");
        assert!(shown.contains("broker.example:5673/orders"), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("shop"), "{shown}");
        let uri: BrokerUri = "amqp://127.0.0.1:5672/%2f".parse().unwrap();
        assert_eq!(uri.to_string(), "127.0.0.1:5672");
        for bad in ["http://shop:s3cret@x", "amqp:shop:s3cret", "amqp://shop:s3cret@x:no", "s3cret"] {
            let error = bad.parse::<BrokerUri>().unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
