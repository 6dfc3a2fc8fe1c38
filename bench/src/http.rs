//! A load generator for one kind of request: keep-alive connections, one thread each, as few instructions as it takes,
//! because it shares the cores with what it measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::fixture::CLIENTS;

/// What the clients saw.
pub struct Load {
    pub requests_a_second: f64,
    pub requests: usize,
    pub p99_ms: f64,
}

/// Sends requests made by `request(client, turn)` for `seconds`, by as many clients as others are measured with; anything but status
/// 200 is an error.
pub fn load(address: &str, seconds: u64, request: impl Fn(usize, usize) -> String + Sync) -> Result<Load> {
    load_of(address, seconds, CLIENTS, request)
}

/// The same by so many clients.
pub fn load_of(
    address: &str,
    seconds: u64,
    clients: usize,
    request: impl Fn(usize, usize) -> String + Sync,
) -> Result<Load> {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let measured = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|client| {
                let (stop, request) = (&stop, &request);
                scope.spawn(move || one_client(address, stop, |turn| request(client, turn)))
            })
            .collect();
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|c| c.join().unwrap_or_else(|_| bail!("a client died"))).collect::<Result<Vec<_>>>()
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let mut latencies: Vec<Duration> = measured.into_iter().flatten().collect();
    latencies.sort();
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Load {
        requests_a_second: latencies.len() as f64 / elapsed,
        requests: latencies.len(),
        p99_ms: p99.as_secs_f64() * 1000.0,
    })
}

fn one_client(address: &str, stop: &AtomicBool, request: impl Fn(usize) -> String) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut latencies, mut line, mut body) = (Vec::new(), String::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let text = request(latencies.len());
        let sent = Instant::now();
        stream.write_all(text.as_bytes())?;
        let mut length = 0;
        for n in 0.. {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                bail!("the gateway closed the connection");
            }
            if n == 0 && !line.contains(" 200 ") {
                bail!("the gateway answered {line}");
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// The status of a GET, if there is an answer.
pub fn get(address: &str, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split_whitespace().nth(1)?.parse().ok()
}
