//! How every program here listens: on one address, which it says in one line on its standard output, until its standard
//! input ends. So a test that dies takes its servers with it, whatever killed it. What a request gets is decided by
//! whoever implements [`Door`].

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::header_value::Header;

const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(20);

/// A body that may break off in the middle.
pub type Body = BoxBody<Bytes, io::Error>;

/// Where to listen, and how long.
#[derive(Args, Clone, Debug)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,

    /// Go on when standard input ends, until killed.
    #[arg(long)]
    pub detached: bool,
}

/// The connection is closed without an answer.
#[derive(Debug)]
pub struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hung up")
    }
}

impl std::error::Error for HungUp {}

/// Answers requests.
pub trait Door: Send + Sync + 'static {
    /// What a request gets.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Result<Response<Body>, HungUp>> + Send;
}

/// Serves until standard input ends.
pub async fn serve(listen: Listen, door: impl Door) -> io::Result<()> {
    let listener = TcpListener::bind(listen.listen).await?;
    let mut out = io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    tokio::select! {
        () = accept(listener, Arc::new(door)) => {}
        () = input_ends(), if !listen.detached => {}
    }
    Ok(())
}

async fn accept(listener: TcpListener, door: Arc<impl Door>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(speak(stream, Arc::clone(&door)));
            }
            // No descriptor is left: trying again at once would only burn the processor.
            Err(_) => tokio::time::sleep(AFTER_ACCEPT_ERROR).await,
        }
    }
}

async fn speak(stream: TcpStream, door: Arc<impl Door>) {
    // Without it an answer in two segments waits for the client's delayed acknowledgement. Where it fails, the client is
    // gone already.
    stream.set_nodelay(true).ok();
    let answer = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { door.answer(request).await }
    });
    // What ends a connection early is the client's business, or was wanted: HungUp.
    http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
}

async fn input_ends() {
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 256];
    while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

/// What a request to any of the MCP servers gets before its body is read, if that is not what it came for: they are all at
/// `/mcp`, and may insist on a header.
pub fn refusal<B>(request: &Request<B>, required: Option<&Header>) -> Option<Response<Body>> {
    if request.uri().path() != "/mcp" {
        return Some(plain(StatusCode::NOT_FOUND, "the server is at /mcp"));
    }
    if required.is_none_or(|header| header.is_in(request.headers())) {
        return None;
    }
    let mut response = plain(StatusCode::UNAUTHORIZED, "a credential is missing, or is another one");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Some(response)
}

/// An answer that is a line of text.
pub fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// An answer that is JSON, given as it is to be sent.
pub fn json(text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body that is sent as a whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    cannot_fail(Full::new(bytes.into()))
}

/// A body of another kind that cannot break off.
pub fn cannot_fail(body: impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Sync + 'static) -> Body {
    body.map_err(|never| match never {}).boxed()
}
