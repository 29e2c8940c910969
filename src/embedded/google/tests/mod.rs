//! Behaviour over HTTP, as the reconciler sees it.

mod attestations;
mod events;
mod failures;
mod identity;
mod machines;
mod objects;
mod registries;
mod secrets;
mod sql;
mod tasks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Delays, Options, Server};
use crate::embedded::clock::Clock;

pub const PROJECT: &str = "tenant-1";
pub const NUMBER: &str = "123456789012";

/// An embedded cloud on a clock moved by hand, and somebody who calls it.
pub struct World {
    pub server: Server,
    pub clock: Clock,
    http: reqwest::Client,
}

/// Everything is enabled and done at once.
pub fn world() -> World {
    with(|options| options.delays = Delays::none())
}

/// A cloud with other options.
pub fn with(change: impl FnOnce(&mut Options)) -> World {
    let clock = Clock::manual("2026-01-01T00:00:00Z".parse().expect("a time"));
    let mut options = Options::new(clock.clone(), PROJECT, NUMBER);
    change(&mut options);
    let server = Server::start(options).expect("the server starts");
    server.seed_defaults();
    server.enable_apis(&[
        "sqladmin.googleapis.com",
        "secretmanager.googleapis.com",
        "artifactregistry.googleapis.com",
        "certificatemanager.googleapis.com",
        "monitoring.googleapis.com",
        "cloudscheduler.googleapis.com",
    ]);
    World { server, clock, http: reqwest::Client::new() }
}

impl World {
    /// Status and body of a call.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, text) = self.text(method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Status and body of a call, as text.
    pub async fn text(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}/{path}", self.server.url()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A request with headers, and the response whole.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> reqwest::Response {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request =
            self.http.request(method, format!("{}/{path}", self.server.url())).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    pub fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Waits until nothing is being sent.
    pub async fn settled(&self) {
        eventually(|| self.server.idle()).await;
    }
}

/// The reason of an older API's error.
pub fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_default()
}

/// Waits for something that happens on its own, or gives up after ten seconds.
pub async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to pass");
}

/// A request that the cloud sent to somebody.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.lines().filter_map(|line| line.split_once(':'));
        found
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// Somebody who notes what arrives and answers what the script says, then 204.
pub struct Door {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Door {
    pub async fn open(script: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/events", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (notes, script) = (Arc::clone(&received), script.to_vec());
        let mut script = script.into_iter();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                notes.lock().expect("notes").push(request);
                let status = script.next().unwrap_or(204);
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, received }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("notes").clone()
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Received {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_owned();
            let request = Received { head, body: body.to_owned() };
            if body.len() >= request.header("content-length").parse().unwrap_or(0) {
                return request;
            }
        }
        let read = stream.read(&mut chunk).await.expect("bytes");
        assert!(read > 0, "the request ends early: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

pub fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}
