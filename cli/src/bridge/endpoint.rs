//! `[CONSUMER=]URL`.

use std::str::FromStr;

use orderflow_messaging::{UnknownConsumer, subscription};
use orderflow_system::{BaseUrl, BaseUrlError};

/// Where functions are invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InvokeEndpoint {
    /// All that have no endpoint of their own.
    All(BaseUrl),
    /// That of one consumer.
    One(&'static str, BaseUrl),
}

/// The text is no [`InvokeEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvokeEndpointError {
    #[error(transparent)]
    Url(#[from] BaseUrlError),
    #[error(transparent)]
    Consumer(#[from] UnknownConsumer),
}

impl FromStr for InvokeEndpoint {
    type Err = InvokeEndpointError;

    fn from_str(text: &str) -> Result<Self, InvokeEndpointError> {
        match text.split_once('=') {
            Some((consumer, url)) if !consumer.contains(':') => {
                Ok(Self::One(subscription(consumer)?.consumer, url.parse()?))
            }
            _ => Ok(Self::All(text.parse()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_for_all_or_for_one_consumer() {
        let url: BaseUrl = "http://127.0.0.1:9000".parse().unwrap();
        assert_eq!("http://127.0.0.1:9000".parse(), Ok(InvokeEndpoint::All(url.clone())));
        assert_eq!("payment=http://127.0.0.1:9000".parse(), Ok(InvokeEndpoint::One("payment", url)));
        assert!("paymnt=http://x".parse::<InvokeEndpoint>().is_err());
        assert!("payment=nothing".parse::<InvokeEndpoint>().is_err());
    }
}
