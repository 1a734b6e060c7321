//! URLs of endpoints.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The base URL of an HTTP endpoint: a running system (without `/api/v1`), DynamoDB, AWS or Lambda. A path, such as the stage of an API
/// Gateway, is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// The text is not a [`BaseUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It cannot be parsed as a URL.
    #[error("must be a URL such as http://127.0.0.1:8080")]
    Unreadable,
    /// It has another scheme.
    #[error("must start with http:// or https://")]
    Scheme,
    /// It contains credentials, a query or a fragment.
    #[error("must not contain a user name, password, query or fragment")]
    Extras,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials || url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Extras);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl BaseUrl {
    /// Returns the URL of a path, which is given percent-encoded and with its leading slash.
    pub fn join(&self, path: &str, query: &[(&'static str, String)]) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Returns whether the host is this machine, which is reached without a proxy.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns whether connections use TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_appended_after_a_prefix_without_doubling_the_slash() {
        for (text, joined) in [
            ("http://h:1", "http://h:1/health"),
            ("http://h:1/", "http://h:1/health"),
            ("https://h/prod/", "https://h/prod/health"),
        ] {
            assert_eq!(base(text).join("/health", &[]).as_str(), joined);
        }
        assert_eq!(base("http://h:1/").to_string(), "http://h:1");
    }

    #[test]
    fn queries_are_encoded() {
        let url = base("http://h").join("/x", &[("customer_id", "a b&c".to_owned())]);
        assert_eq!(url.as_str(), "http://h/x?customer_id=a+b%26c");
    }

    #[test]
    fn loopback_hosts_are_recognised() {
        for text in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost"] {
            assert!(base(text).is_loopback(), "{text}");
        }
        assert!(!base("http://example.com").is_loopback());
    }

    #[test]
    fn other_urls_are_refused() {
        for (text, error) in [
            ("", BaseUrlError::Unreadable),
            ("127.0.0.1", BaseUrlError::Unreadable),
            ("localhost:8080", BaseUrlError::Scheme),
            ("ftp://h", BaseUrlError::Scheme),
            ("http://u:p@h", BaseUrlError::Extras),
            ("http://h?a=b", BaseUrlError::Extras),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(error), "{text}");
        }
    }
}
