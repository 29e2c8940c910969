//! Logs, traces and metrics: what is printed, what is sent, and that neither holds a secret.

use std::fmt;

use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt as log};

use crate::cloud::otlp::Sender;
use crate::cloud::scrub;
use crate::config::{Config, LogFormat};
use crate::redact::PLACEHOLDER;

/// What has to be kept while the process runs, and shut down at its end.
#[derive(Debug, Default)]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Guard {
    /// Sends the rest and stops.
    pub async fn shutdown(self) {
        let stop = move || {
            let _ = self.traces.map(|traces| traces.shutdown());
            let _ = self.metrics.map(|metrics| metrics.shutdown());
        };
        let _ = tokio::task::spawn_blocking(stop).await;
    }
}

/// From here on a panic is told by its place alone: what it says may hold anything, and standard error is a log.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or("nowhere".to_owned(), ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}

/// Starts logging, and tracing when it is configured. Never keeps the service from starting: what cannot
/// be set up is warned about.
pub fn init(config: &Config) -> Guard {
    let (guard, fault) = providers(config);
    let tracer = guard.traces.as_ref().map(|provider| provider.tracer("dify-reconciler"));
    let traces = tracer.map(|tracer| tracing_opentelemetry::layer().with_tracer(tracer));
    let filter: Targets = config.log.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let lines: Box<dyn Layer<_> + Send + Sync> = match config.log_format {
        LogFormat::Json => Box::new(
            log::layer()
                .with_ansi(false)
                .event_format(CloudLogging::new(&config.project_id))
                .with_writer(std::io::stdout),
        ),
        LogFormat::Text => {
            Box::new(log::layer().with_ansi(false).event_format(Plain).with_writer(std::io::stderr))
        }
    };
    // The log filter holds for spans, too: what is not worth a line is not worth a span.
    let started = tracing_subscriber::registry().with(filter).with(traces).with(lines).try_init();
    if let (Ok(()), Some(fault)) = (started, fault) {
        tracing::warn!(fault, "telemetry is not sent");
    }
    guard
}

/// Sets up traces and metrics. Without an endpoint there are traces for a log in JSON, so that its lines
/// can be found by the trace of the request.
fn providers(config: &Config) -> (Guard, Option<String>) {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = || Resource::builder().with_service_name("dify-reconciler").build();
    let traces = SdkTracerProvider::builder().with_resource(resource());
    let Some(endpoint) = &config.otlp_endpoint else {
        let traces = (config.log_format == LogFormat::Json).then(|| traces.build());
        return (Guard { traces, metrics: None }, None);
    };
    let exporters =
        Sender::here().ok_or_else(|| "there is no runtime to send it on".to_owned()).and_then(|sender| {
            let build = || {
                Ok::<_, opentelemetry_otlp::ExporterBuildError>((
                    sender.spans(endpoint)?,
                    sender.metrics(endpoint)?,
                ))
            };
            build().map_err(|error| error.to_string())
        });
    match exporters {
        Err(fault) => (Guard { traces: Some(traces.build()), metrics: None }, Some(fault)),
        Ok((spans, metrics)) => {
            let metrics =
                SdkMeterProvider::builder().with_resource(resource()).with_periodic_exporter(metrics);
            let metrics = metrics.build();
            opentelemetry::global::set_meter_provider(metrics.clone());
            let traces = traces.with_batch_exporter(spans).build();
            (Guard { traces: Some(traces), metrics: Some(metrics) }, None)
        }
    }
}

/// One line of JSON per event, with the field names that Cloud Logging knows.
#[derive(Clone, Debug)]
pub struct CloudLogging {
    project_id: String,
}

impl CloudLogging {
    /// Lines for the log of this project.
    pub fn new(project_id: &str) -> Self {
        Self { project_id: project_id.to_owned() }
    }

    fn line(&self, event: &Event<'_>) -> Map<String, Value> {
        let metadata = event.metadata();
        let mut line = fields(event);
        line.insert("severity".into(), severity(metadata).into());
        line.insert("time".into(), jiff::Timestamp::now().to_string().into());
        line.insert("target".into(), metadata.target().into());
        if let (Some(file), Some(number)) = (metadata.file(), metadata.line()) {
            let place = json!({"file": file, "line": number.to_string(), "function": metadata.target()});
            line.insert("logging.googleapis.com/sourceLocation".into(), place);
        }
        let context = opentelemetry::Context::current();
        let span = context.span().span_context().clone();
        if span.is_valid() {
            let trace = format!("projects/{}/traces/{}", self.project_id, span.trace_id());
            line.insert("logging.googleapis.com/trace".into(), trace.into());
            line.insert("logging.googleapis.com/spanId".into(), span.span_id().to_string().into());
            line.insert("logging.googleapis.com/trace_sampled".into(), span.is_sampled().into());
        }
        line
    }
}

impl<S, N> FormatEvent<S, N> for CloudLogging
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = self.line(event);
        line.insert("spans".into(), spans(context).into());
        writeln!(out, "{}", Value::Object(line))
    }
}

/// One readable line per event: `warning: message (field=value)`.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = fields(event);
        let message = fields.remove("message").unwrap_or_default();
        write!(out, "{}: {}", severity(event.metadata()).to_lowercase(), text(&message))?;
        for (name, value) in &fields {
            write!(out, " {name}={}", text(value))?;
        }
        writeln!(out)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn severity(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// The spans around an event with their fields, outermost first: `work{deployment="a"} > google{…}`.
fn spans<S, N>(context: &FmtContext<'_, S, N>) -> String
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let around = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
    let shown = around.map(|span| {
        let extensions = span.extensions();
        let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
        if fields.is_empty() { span.name().to_owned() } else { format!("{}{{{fields}}}", span.name()) }
    });
    scrub::lines(&shown.collect::<Vec<_>>().join(" > "))
}

/// An event's fields, `message` among them, without anything secret.
fn fields(event: &Event<'_>) -> Map<String, Value> {
    let mut shown = Shown(Map::new());
    event.record(&mut shown);
    shown.0
}

/// Collects fields. The only way by which they get into a line, so that none gets there unseen.
struct Shown(Map<String, Value>);

impl Shown {
    fn note(&mut self, field: &Field, value: Value) {
        let value = match value {
            _ if scrub::is_secret_name(field.name()) => Value::from(PLACEHOLDER),
            Value::String(text) => Value::from(scrub::lines(&text)),
            other => other,
        };
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Shown {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_line_for_cloud_logging_has_its_trace_and_no_secret() {
        let written = Written::default();
        let out = written.clone();
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber =
            tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer)).with(
                log::layer()
                    .with_ansi(false)
                    .event_format(CloudLogging::new("p"))
                    .with_writer(move || out.clone()),
            );
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("work", deployment = "a", token = "hunter4").entered();
            tracing::warn!(db_password = "hunter2", tries = 3, "sent token=hunter3 to nobody");
        });
        let line: Value = serde_json::from_str(&written.text()).unwrap();
        assert_eq!((&line["severity"], &line["tries"]), (&json!("WARNING"), &json!(3)));
        assert_eq!(line["message"], "sent token=(sensitive) to nobody");
        assert!(line["logging.googleapis.com/trace"].as_str().unwrap().starts_with("projects/p/traces/"));
        assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
        assert_eq!(line["spans"], "work{deployment=\"a\" token=\"(sensitive)\"}");
        assert!(line["logging.googleapis.com/sourceLocation"]["line"].is_string());
        assert!(!written.text().contains("hunter"));
    }

    #[test]
    fn a_line_for_people_is_short() {
        let written = Written::default();
        let out = written.clone();
        let subscriber = tracing_subscriber::registry()
            .with(log::layer().event_format(Plain).with_writer(move || out.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(api_key = "x", kind = "Secret", "the API server warns");
        });
        assert_eq!(written.text(), "warning: the API server warns api_key=(sensitive) kind=Secret\n");
    }
}
