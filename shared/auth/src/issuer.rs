//! Fetches the keys of an issuer over HTTP.

use std::fmt;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::keys::KeySet;

/// The longest time for a fetch.
const DEADLINE: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes. The sets of large issuers have less than 20 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The end of the URL of a discovery document (OpenID Connect Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where the keys of an issuer are fetched.
pub(crate) struct Issuer {
    client: Client,
    url: Url,
    /// The claim `iss`, which a discovery document must repeat.
    name: String,
}

/// Why keys were not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The request failed.
    #[error("the issuer did not answer")]
    Request(#[source] reqwest::Error),
    /// The fetch took too long.
    #[error("the issuer did not answer within {DEADLINE:?}")]
    Deadline,
    /// The status is not 200.
    #[error("the issuer answered with status {0}")]
    Status(u16),
    /// The answer is too large.
    #[error("the answer of the issuer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// The discovery document cannot be used.
    #[error("the discovery document of the issuer cannot be used: {0}")]
    Discovery(&'static str),
    /// The answer has no keys.
    #[error("the keys of the issuer cannot be used: {0}")]
    Keys(&'static str),
}

/// The part of a discovery document that is used.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Parses the URL of a key set or of a discovery document. Plain HTTP is for hosts that no one else can answer for.
pub(crate) fn parse_url(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text.trim()).map_err(|_| "it is not a URL")?;
    if !url.has_host() {
        return Err("it has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("it is not https, and the host is not a loopback address"),
        _ => return Err("it is neither https nor http"),
    }
    url.set_fragment(None);
    // An issuer may end with a slash, which is no part of the path of its discovery document.
    if let Some(path) = url.path().strip_suffix(DISCOVERY) {
        url.set_path(&format!("{}{DISCOVERY}", path.trim_end_matches('/')));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

impl Issuer {
    /// Creates the client of an issuer with this claim `iss`.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(url: Url, name: &str) -> Result<Self, reqwest::Error> {
        let mut builder = Client::builder()
            .user_agent("orderflow")
            .timeout(DEADLINE)
            // The keys are those of the URL that the operator has set.
            .redirect(Policy::none());
        builder = if url.scheme() == "https" {
            builder.https_only(true)
        } else {
            // A loopback address needs no proxy and no root certificates, which a container image may lack.
            builder.no_proxy().tls_certs_only([])
        };
        Ok(Self { client: builder.build()?, url, name: name.to_owned() })
    }

    /// Fetches the keys, through the discovery document if the URL is that of one.
    ///
    /// # Errors
    /// [`FetchError`] if there is no usable set within the deadline.
    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let fetching = async {
            let text = if self.url.path().ends_with(DISCOVERY) {
                self.get(self.discover(&self.get(self.url.clone()).await?)?).await?
            } else {
                self.get(self.url.clone()).await?
            };
            KeySet::parse(&text).map_err(FetchError::Keys)
        };
        tokio::time::timeout(DEADLINE, fetching).await.unwrap_or(Err(FetchError::Deadline))
    }

    fn discover(&self, document: &[u8]) -> Result<Url, FetchError> {
        let document: Discovery = serde_json::from_slice(document)
            .map_err(|_| FetchError::Discovery("it lacks issuer or jwks_uri"))?;
        if document.issuer != self.name {
            return Err(FetchError::Discovery("its issuer is another than JWT_ISSUER"));
        }
        let url = parse_url(&document.jwks_uri).map_err(FetchError::Discovery)?;
        if url.scheme() == "https" || self.url.scheme() == "http" {
            Ok(url)
        } else {
            Err(FetchError::Discovery("its jwks_uri is not https"))
        }
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, FetchError> {
        // The error would repeat the URL with its query.
        let failed = |error: reqwest::Error| FetchError::Request(error.without_url());
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("name", &self.name).finish_non_exhaustive()
    }
}
