//! Fetches one key set: over TLS, or on a loopback host; not redirected, not by a proxy, not from a private network unless an operator
//! has allowed the host, within a few seconds and a few kilobytes.

use std::time::Duration;

use awooop_policy::access_token::jwk::MAX_SET;
use awooop_policy::access_token::registration::key_set_host;
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode};
use tokio::time::timeout;
use url::Url;

use crate::mcp::upstream::address::{self, PublicOnly};

/// From the first look at the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
const MEDIA: &str = "application/jwk-set+json, application/json";

/// Why a set was not fetched. Nothing of what was answered is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Neither https nor a loopback host, or in a private network that nobody has allowed.
    Forbidden,
    Unreachable,
    TimedOut,
    /// Not 200; a redirect among them.
    Refused,
    TooLong,
    NotText,
}

impl Failed {
    /// The reason, for the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Failed::Forbidden => "its address is not one that may be asked",
            Failed::Unreachable => "it cannot be reached",
            Failed::TimedOut => "it did not answer in time",
            Failed::Refused => "it answered with another status than 200",
            Failed::TooLong => "its answer is too long",
            Failed::NotText => "its answer is no text",
        }
    }
}

/// The clients: one for public addresses alone, and one for hosts that an operator has allowed.
pub struct Fetcher {
    public: Client,
    private: Client,
}

impl Fetcher {
    /// Connects to nothing yet.
    pub fn new() -> Result<Fetcher, reqwest::Error> {
        // Another part of the process may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Fetcher { public: builder().dns_resolver(PublicOnly).build()?, private: builder().build()? })
    }

    /// The text of the set.
    pub async fn fetch(&self, address: &str, private_host_allowed: bool) -> Result<String, Failed> {
        let url = Url::parse(address).ok().filter(|_| key_set_host(address).is_some()).ok_or(Failed::Forbidden)?;
        address::check(&url, private_host_allowed).map_err(|_| Failed::Forbidden)?;
        let client = if private_host_allowed { &self.private } else { &self.public };
        timeout(PATIENCE, get(client, url)).await.unwrap_or(Err(Failed::TimedOut))
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        // A set is fetched once in minutes.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("awooop-gateway/", env!("CARGO_PKG_VERSION")))
}

async fn get(client: &Client, url: Url) -> Result<String, Failed> {
    let unreachable = |_| Failed::Unreachable;
    let mut response = client.get(url).header(ACCEPT, MEDIA).send().await.map_err(unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(Failed::Refused);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_SET {
            return Err(Failed::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| Failed::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that gives one answer to everybody.
    async fn serving(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        format!("http://{address}/keys")
    }

    fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn a_set_is_taken_as_it_is() {
        let address = serving(response("200 OK", "", b"{\"keys\": []}")).await;
        let fetcher = Fetcher::new().unwrap();
        assert_eq!(fetcher.fetch(&address, true).await.as_deref(), Ok("{\"keys\": []}"));
    }

    #[tokio::test]
    async fn a_host_that_nobody_has_allowed_is_not_asked() {
        let address = serving(response("200 OK", "", b"{}")).await;
        let fetcher = Fetcher::new().unwrap();
        assert_eq!(fetcher.fetch(&address, false).await, Err(Failed::Forbidden));
        let by_name = address.replace("127.0.0.1", "localhost");
        assert_eq!(fetcher.fetch(&by_name, false).await, Err(Failed::Unreachable));
        for address in ["http://idp.example/keys", "http://10.0.0.1/keys", "file:///etc/passwd", "idp.example", ""] {
            assert_eq!(fetcher.fetch(address, true).await, Err(Failed::Forbidden), "{address}");
        }
    }

    #[tokio::test]
    async fn what_is_no_plain_answer_of_a_fit_size_is_not_taken() {
        let fetcher = Fetcher::new().unwrap();
        let elsewhere = serving(response("200 OK", "", b"{}")).await;
        let fits = vec![b' '; MAX_SET];
        for (answer, failed) in [
            (response("302 Found", &format!("location: {elsewhere}\r\n"), b""), Failed::Refused),
            (response("404 Not Found", "", b"{}"), Failed::Refused),
            (response("204 No Content", "", b""), Failed::Refused),
            (response("200 OK", "", &[b' '; MAX_SET + 1]), Failed::TooLong),
            // Longer than it says, and shorter.
            (response("200 OK", "transfer-encoding: chunked\r\n", b"zz\r\n"), Failed::Unreachable),
            (response("200 OK", "content-length: 100\r\n", b"{}"), Failed::Unreachable),
            (response("200 OK", "", b"\xff\xfe"), Failed::NotText),
            (b"SSH-2.0-OpenSSH\r\n".to_vec(), Failed::Unreachable),
        ] {
            assert_eq!(fetcher.fetch(&serving(answer).await, true).await, Err(failed));
        }
        let whole = fetcher.fetch(&serving(response("200 OK", "", &fits)).await, true).await;
        assert_eq!(whole.map(|text| text.len()), Ok(MAX_SET));
    }
}
