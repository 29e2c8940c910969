//! Sending traces and metrics, by OTLP over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::Value;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SpanData;
use tokio::runtime::Handle;
use url::Url;

use super::scrub;
use super::wire::{Endpoints, Wire};
use crate::redact::PLACEHOLDER;

/// Telemetry that cannot be sent by then is not worth waiting for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends what exporters give it. They run on threads of their own, without a runtime: the work is handed
/// to the one that was running when this was made.
#[derive(Clone, Debug)]
pub struct Sender {
    wire: Arc<Wire>,
    runtime: Handle,
}

impl Sender {
    /// A sender that works on the current runtime; `None` outside of one.
    pub fn here() -> Option<Self> {
        let wire = Arc::new(Wire::new(Endpoints::default()));
        Some(Self { wire, runtime: Handle::try_current().ok()? })
    }

    /// An exporter of spans to this endpoint, which blanks what looks like a secret.
    pub fn spans(&self, endpoint: &Url) -> Result<Redacting, ExporterBuildError> {
        let builder = SpanExporter::builder().with_http().with_http_client(self.clone());
        let builder = builder.with_protocol(Protocol::HttpBinary).with_endpoint(path(endpoint, "traces"));
        Ok(Redacting(builder.with_timeout(TIMEOUT).build()?))
    }

    /// An exporter of metrics to this endpoint.
    pub fn metrics(&self, endpoint: &Url) -> Result<MetricExporter, ExporterBuildError> {
        let builder = MetricExporter::builder().with_http().with_http_client(self.clone());
        let builder = builder.with_protocol(Protocol::HttpBinary).with_endpoint(path(endpoint, "metrics"));
        builder.with_timeout(TIMEOUT).build()
    }
}

fn path(endpoint: &Url, signal: &str) -> String {
    format!("{}/v1/{signal}", endpoint.as_str().trim_end_matches('/'))
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let wire = self.wire.clone();
        self.runtime.spawn(async move { send(&wire, request).await }).await?
    }
}

async fn send(wire: &Wire, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    // A collector of one's own needs no token of Google's, and must not get one.
    if parts.uri.host().is_some_and(|host| host.ends_with(".googleapis.com")) {
        headers.extend(wire.identity_headers().await?);
    }
    let client = wire.client().await?;
    let call = client.request(parts.method, parts.uri.to_string()).headers(headers).body(body);
    let answer = call.timeout(TIMEOUT).send().await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    Ok(response.body(answer.bytes().await?)?)
}

/// An exporter of spans whose attributes hold nothing that looks like a secret.
#[derive(Debug)]
pub struct Redacting(SpanExporter);

impl opentelemetry_sdk::trace::SpanExporter for Redacting {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            let events = span.events.events.iter_mut().flat_map(|event| event.attributes.iter_mut());
            for attribute in span.attributes.iter_mut().chain(events) {
                attribute.value = shown(attribute.key.as_str(), &attribute.value);
            }
        }
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        self.0.set_resource(resource);
    }
}

fn shown(name: &str, value: &Value) -> Value {
    match value {
        _ if scrub::is_secret_name(name) => Value::from(PLACEHOLDER),
        Value::String(text) => Value::from(scrub::lines(text.as_str())),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::testing::{Server, reply};
    use opentelemetry::trace::{Span, Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    #[tokio::test(flavor = "multi_thread")]
    async fn spans_are_sent_from_a_thread_without_a_runtime_and_without_secrets() {
        let server = Server::start(|_, _| reply(200, "")).await;
        let exporter = Sender::here().unwrap().spans(&server.url).unwrap();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
        let mut span = provider.tracer("test").start("reconcile");
        span.set_attribute(opentelemetry::KeyValue::new("db_password", "hunter2"));
        span.set_attribute(opentelemetry::KeyValue::new("note", "password=hunter3"));
        span.end();
        tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap().unwrap();
        let seen = server.seen();
        assert_eq!(seen[0].line, "POST /v1/traces");
        assert_eq!(seen[0].header("authorization"), "");
        assert!(seen[0].body.contains("reconcile") && !seen[0].body.contains("hunter"));
    }
}
