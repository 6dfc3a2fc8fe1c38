//! An HTTP server in the test itself, which keeps what it is sent: a webhook's receiver, an agent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that was sent.
#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Post {
    /// The value of a header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A server, until the test ends.
pub struct Listener {
    /// `http://127.0.0.1:port`.
    pub url: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Listener {
    /// One whose answers, status and body, `answer` makes; `None` hangs up without any.
    pub fn start(answer: impl Fn(&Post) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let posts: Arc<Mutex<Vec<Post>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&posts), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = serve(stream, |post| {
                        kept.lock().unwrap_or_else(PoisonError::into_inner).push(post.clone());
                        answer(post)
                    });
                });
            }
        });
        Self { url, posts }
    }

    /// What it was sent, in order.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, answer: impl FnOnce(&Post) -> Option<(u16, String)>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let post = Post { path, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let Some((status, body)) = answer(&post) else { return Ok(()) };
    write!(
        stream,
        "HTTP/1.1 {status} S\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
