//! Everything that was said, and the search through it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dify_reconciler::telemetry::CloudLogging;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::harness::Stage;

/// What was said, by where.
#[derive(Default)]
pub struct Said {
    texts: Vec<(String, String)>,
}

impl Said {
    /// Notes a text.
    pub fn note(&mut self, place: &str, text: String) {
        self.texts.push((place.to_owned(), text));
    }

    /// Notes every object of the state bucket.
    pub async fn state(&mut self, stage: &Stage) {
        let objects = &stage.converger.cloud.objects;
        for info in objects.list("state", "").await.expect("the state bucket can be listed") {
            let object = objects.read("state", &info.name, None).await.expect("it can be read");
            let content = object.map(|object| String::from_utf8_lossy(&object.content).into_owned());
            self.note(&format!("state object {}", info.name), content.unwrap_or_default());
        }
    }

    /// How many bytes were said.
    pub fn size(&self) -> usize {
        self.texts.iter().map(|(_, text)| text.len()).sum()
    }

    /// Whether something was said anywhere.
    pub fn has(&self, text: &str) -> bool {
        self.texts.iter().any(|(_, said)| said.contains(text))
    }

    /// Where which of these was said, in whichever form.
    pub fn leaks(&self, secrets: &[String]) -> Vec<String> {
        let mut leaks = Vec::new();
        for secret in secrets {
            // A padded form ends in what follows; what comes before is the same wherever it stands.
            let forms = [secret.clone(), STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)];
            for (place, text) in &self.texts {
                let found = forms.iter().find_map(|form| text.find(form.as_str()));
                if let Some(at) = found {
                    let around: String = text[..at].chars().rev().take(160).collect();
                    let around: String = around.chars().rev().collect();
                    leaks.push(format!("{place}: a secret of {} bytes after `{around}`", secret.len()));
                }
            }
        }
        leaks.sort();
        leaks.dedup();
        leaks
    }

    /// Fails when any of these was said.
    pub fn holds_none_of(&self, secrets: &[String]) {
        let leaks = self.leaks(secrets);
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks[..leaks.len().min(10)].join("\n"));
    }
}

/// What is written to the log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics here")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics here").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Listens to every event and span of this process: ours at the finest level, everybody else's as an operator would
/// turn them up; once as Cloud Logging takes them and once with each span's fields at its begin and end.
pub fn listen() -> Log {
    let log = Log::default();
    let (lines, spans) = (log.clone(), log.clone());
    let lines = fmt::layer()
        .with_ansi(false)
        .event_format(CloudLogging::new("demo-project"))
        .with_writer(move || lines.clone());
    let spans = fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || spans.clone())
        .with_filter(EnvFilter::new("debug,dify_reconciler=trace"));
    let filter = EnvFilter::new("info,dify_reconciler=trace");
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    log
}
