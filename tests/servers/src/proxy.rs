//! A reverse proxy that adds headers to every request, for clients that cannot be told to: the conformance suite sends no
//! key. What it carries it carries both ways as it comes, event streams included; whoever hangs up on one side is gone on
//! the other. Requests keep their path; their Host too, unless another one is set.

use std::str::FromStr;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::header_value::Header;
use crate::serve::{self, Body, Door, HungUp};

/// Headers that are about one connection, not about what is carried (RFC 9110, 7.6.1).
const OF_THE_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Where requests go: `http://HOST:PORT`.
#[derive(Clone, Debug)]
pub struct Upstream(Authority);

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "that is no URL")?;
        match (uri.scheme_str(), uri.path(), uri.query(), uri.authority()) {
            (Some("http"), "" | "/", None, Some(authority)) => Ok(Self(authority.clone())),
            _ => Err("http://HOST:PORT is wanted, without a path: requests keep their own"),
        }
    }
}

/// The proxy.
pub struct Proxy {
    client: Client<HttpConnector, Incoming>,
    upstream: Authority,
    headers: Vec<Header>,
    host: Option<HeaderValue>,
}

impl Proxy {
    /// A proxy to an upstream.
    pub fn new(upstream: Upstream, headers: Vec<Header>, host: Option<HeaderValue>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), upstream: upstream.0, headers, host }
    }

    fn address(&self, path: Option<PathAndQuery>) -> Result<Uri, hyper::http::Error> {
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Uri::builder().scheme(Scheme::HTTP).authority(self.upstream.clone()).path_and_query(path).build()
    }
}

impl Door for Proxy {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned();
        parts.uri = match self.address(path) {
            Ok(uri) => uri,
            Err(_) => return Ok(serve::plain(StatusCode::BAD_REQUEST, "that is no path")),
        };
        without_those_of_the_connection(&mut parts.headers);
        for header in &self.headers {
            header.set(&mut parts.headers);
        }
        if let Some(host) = &self.host {
            parts.headers.insert(header::HOST, host.clone());
        }
        match self.client.request(Request::from_parts(parts, body)).await {
            Ok(mut response) => {
                without_those_of_the_connection(response.headers_mut());
                Ok(response.map(|body| body.map_err(std::io::Error::other).boxed()))
            }
            // As it would be without a proxy in between.
            Err(error) if !error.is_connect() => Err(HungUp),
            Err(_) => Ok(serve::plain(StatusCode::BAD_GATEWAY, "the upstream does not listen")),
        }
    }
}

fn without_those_of_the_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_a_connection_names_is_not_carried_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("connection", "close, X-Mine"), ("x-mine", "1"), ("te", "trailers"), ("x-yours", "2")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        without_those_of_the_connection(&mut headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-yours"]);
    }

    #[test]
    fn an_upstream_with_a_path_is_refused_since_it_would_be_ignored() {
        assert!("http://127.0.0.1:1".parse::<Upstream>().is_ok());
        for wrong in ["http://127.0.0.1:1/mcp", "https://127.0.0.1:1", "127.0.0.1:1"] {
            assert!(wrong.parse::<Upstream>().is_err(), "{wrong}");
        }
    }
}
