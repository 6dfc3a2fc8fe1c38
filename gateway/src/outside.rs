//! Posts to addresses that tenants name: agents behind HTTP, webhooks of channels. Not redirected, not by a proxy, not into a private
//! network unless an operator has allowed the host, within a time and a size; and says what went wrong without a word of what was
//! sent or answered.

use std::time::Duration;

use hyper::body::Bytes;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio::time::timeout;
use url::Url;

use crate::mcp::upstream::address::{self, PublicOnly};

const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// No address, or in a private network that nobody has allowed.
    Forbidden,
    Unreachable,
    TimedOut,
    BrokenOff,
    TooLong,
}

impl Unanswered {
    /// As a code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unanswered::Forbidden => "address_forbidden",
            Unanswered::Unreachable => "unreachable",
            Unanswered::TimedOut => "timed_out",
            Unanswered::BrokenOff => "broken_off",
            Unanswered::TooLong => "answer_too_long",
        }
    }
}

/// An answer.
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What is posted.
pub struct Post<'a> {
    pub address: &'a str,
    pub private_host_allowed: bool,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub patience: Duration,
    /// Of the answer.
    pub most_bytes: usize,
}

/// The clients: one for public addresses alone, and one for hosts that an operator has allowed.
#[derive(Clone)]
pub struct Outside {
    public: Client,
    private: Client,
}

impl Outside {
    /// Connects to nothing yet.
    pub fn new() -> Result<Outside, reqwest::Error> {
        // Another part of the process may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Outside { public: builder().dns_resolver(PublicOnly).build()?, private: builder().build()? })
    }

    /// Posts, and reads the whole answer.
    pub async fn post(&self, post: Post<'_>) -> Result<Answered, Unanswered> {
        let url = Url::parse(post.address).map_err(|_| Unanswered::Forbidden)?;
        address::check(&url, post.private_host_allowed).map_err(|_| Unanswered::Forbidden)?;
        let client = if post.private_host_allowed { &self.private } else { &self.public };
        let asked = exchange(client.post(url).headers(post.headers).body(post.body), post.most_bytes);
        timeout(post.patience, asked).await.unwrap_or(Err(Unanswered::TimedOut))
    }
}

async fn exchange(request: reqwest::RequestBuilder, most_bytes: usize) -> Result<Answered, Unanswered> {
    let sent = request.send().await;
    let mut response = sent.map_err(|cause| match cause.is_connect() {
        true => Unanswered::Unreachable,
        false => Unanswered::BrokenOff,
    })?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| Unanswered::BrokenOff)? {
        if body.len() + piece.len() > most_bytes {
            return Err(Unanswered::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answered { status, headers, body: body.into() })
}

fn builder() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .user_agent(concat!("awooop-gateway/", env!("CARGO_PKG_VERSION")))
}
