//! A connection to the shop, as small as possible: what the load generator spends is missing from the shop on the same machine.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use url::Url;

use crate::BenchError;

/// Where the shop is, and the headers of every request.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The host and port to connect to.
    pub endpoint: (String, u16),
    authority: HeaderValue,
    /// The path before that of every request, without `/` at the end.
    base: String,
    authorization: Option<HeaderValue>,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`BenchError::Flag`] if it is not a plain `http://` URL of a host.
    pub(crate) fn parse(text: &str, token: Option<&str>) -> Result<Self, BenchError> {
        let refused = |reason: &str| BenchError::flag("--url", reason);
        let expected = "must be a URL such as http://127.0.0.1:8080";
        let url = Url::parse(text).map_err(|_| refused(expected))?;
        match url.scheme() {
            "http" => {}
            "https" => return Err(refused("must begin with http://: the load generator does not speak TLS")),
            _ => return Err(refused(expected)),
        }
        let has_more = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
        let host = url.host_str().filter(|_| !has_more).ok_or_else(|| refused(expected))?;
        let port = url.port_or_known_default().ok_or_else(|| refused(expected))?;
        let authorization = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))).transpose();
        Ok(Self {
            endpoint: (host.trim_matches(['[', ']']).to_owned(), port),
            authority: HeaderValue::from_str(&format!("{host}:{port}")).map_err(|_| refused(expected))?,
            base: url.path().trim_end_matches('/').to_owned(),
            authorization: authorization
                .map_err(|_| BenchError::flag("--token", "must be visible ASCII characters"))?,
        })
    }
}

/// An answer of the shop.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the request cannot be built: {0}")]
    Request(#[from] http::Error),
}

/// A connection that is opened when it is needed, and again after it broke. It has one request open at a time.
pub(crate) struct Connection {
    address: Address,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(address: &Address) -> Self {
        Self { address: address.clone(), sender: None }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// [`NoAnswer`]; the next request opens a new connection.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, NoAnswer> {
        let mut sender = self.ready().await?;
        let request = self.request(method, path, body)?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok(Answer { status, body })
    }

    async fn ready(&mut self) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let (host, port) = &self.address.endpoint;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its errors reach the request that is open.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let uri = format!("{}{path}", self.address.base);
        let mut request = Request::builder().method(method).uri(uri).header(HOST, &self.address.authority);
        if let Some(authorization) = &self.address.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request.body(Full::new(body.unwrap_or_default()))
    }

    /// Reads JSON with `GET`. A connection that the shop closed between two requests is opened again.
    ///
    /// # Errors
    /// [`BenchError::Answer`] if the shop does not answer, or not with this JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, BenchError> {
        let answer = self.get_text(path).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| BenchError::answer(format!("GET {path}"), format!("unexpected answer: {error}")))
    }

    /// Reads text with `GET`.
    ///
    /// # Errors
    /// [`BenchError::Answer`] if the shop does not answer with 200.
    pub(crate) async fn get_text(&mut self, path: &str) -> Result<Bytes, BenchError> {
        let answer = match self.send(Method::GET, path, None).await {
            Err(NoAnswer::Broken(_)) => self.send(Method::GET, path, None).await,
            answer => answer,
        };
        let request = || format!("GET {path}");
        let answer = answer.map_err(|error| BenchError::answer(request(), error.to_string()))?;
        if answer.status != StatusCode::OK {
            return Err(BenchError::answer(request(), answer.problem()));
        }
        Ok(answer.body)
    }
}

impl Answer {
    /// Returns the status with the detail of a problem document.
    pub(crate) fn problem(&self) -> String {
        let problem: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
        detail.map_or_else(|| self.status.to_string(), |detail| format!("{}: {detail}", self.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_of_a_host_are_taken() {
        let address = Address::parse("http://[::1]:81/shop/", Some("t")).unwrap();
        assert_eq!((address.endpoint, address.base.as_str()), (("::1".to_owned(), 81), "/shop"));
        assert_eq!(address.authority, "[::1]:81");
        for bad in ["", "h", "https://h", "ftp://h", "http://", "http://u@h", "http://h?a", "http://h#a"] {
            let error = Address::parse(bad, None).unwrap_err().to_string();
            assert!(error.starts_with("--url: must be"), "{bad}: {error}");
        }
        assert!(Address::parse("http://h", Some("a\nb")).unwrap_err().to_string().starts_with("--token: "));
    }
}
