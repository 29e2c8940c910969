//! A small HTTP server for tests: it answers by a function and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Endpoints, Wire};
use crate::cloud::retry::Patience;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET /path?query`.
    pub line: String,
    /// Header lines, lower case names.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Seen {
    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Status, further headers, body.
pub type Reply = (u16, Vec<(&'static str, String)>, String);

/// A reply without further headers.
pub fn reply(status: u16, body: impl ToString) -> Reply {
    (status, Vec::new(), body.to_string())
}

/// A running server.
pub struct Server {
    /// Its address.
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one that answers the nth request (from 0) by this function.
    pub async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, record) = (Arc::new(answer), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, record) = (answer.clone(), record.clone());
                tokio::spawn(async move { serve(stream, &*answer, &record).await });
            }
        });
        Self { url, seen }
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A wire whose every API is this server.
    pub fn wire(&self) -> Arc<Wire> {
        Arc::new(Wire::new(Endpoints { base: Some(self.url.clone()) }))
    }
}

/// Time limits that do not make a test wait.
pub fn hurried() -> Patience {
    Patience {
        budget: Duration::from_secs(2),
        attempt: Duration::from_millis(400),
        pause: Duration::from_millis(1),
    }
}

async fn serve(
    stream: TcpStream,
    answer: &(dyn Fn(usize, &Seen) -> Reply + Send + Sync),
    record: &Mutex<Vec<Seen>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let number = {
            let mut record = record.lock().unwrap();
            record.push(seen.clone());
            record.len() - 1
        };
        let (status, headers, body) = answer(number, &seen);
        let mut head = format!("HTTP/1.1 {status} x\r\n");
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let body = if seen.line.starts_with("HEAD") { "" } else { &body };
        if stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let line = read_line(stream).await?;
    let mut parts = line.split(' ');
    let line = format!("{} {}", parts.next()?, parts.next()?);
    let mut headers = Vec::new();
    while let Some((name, value)) = read_line(stream).await?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { line, headers, body: String::new() };
    let mut body = Vec::new();
    if seen.header("transfer-encoding") == "chunked" {
        loop {
            let size = usize::from_str_radix(&read_line(stream).await?, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    } else {
        body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
    }
    seen.body = String::from_utf8_lossy(&body).into_owned();
    Some(seen)
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await.ok()? {
            b'\n' => return Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
            byte => line.push(byte),
        }
    }
}
