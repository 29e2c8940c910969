//! The service's own environment. What is wrong with it is said all at once, at start.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::redact::PLACEHOLDER;
use crate::spec::types::Sensitive;

/// How the service runs: what is to be known before the first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The project that deployments are made in.
    pub project_id: String,
    /// The bucket that users write specs to; empty on the command line when it is not set.
    pub spec_bucket: String,
    /// The bucket that leases, status and history are kept in; empty on the command line when it is not set.
    pub state_bucket: String,
    /// Full name of the Cloud Tasks queue; empty on the command line when it is not set.
    pub queue: String,
    /// Our own address, which is also the audience of the tokens we accept; `None` only on the command line.
    pub service_url: Option<Url>,
    /// The service account whose token a task carries; empty on the command line when it is not set.
    pub tasks_service_account: String,
    /// The service accounts that events may come from.
    pub event_service_accounts: Vec<String>,
    /// Where all of Google's APIs are found instead of at their own hosts.
    pub endpoint_base: Option<Url>,
    /// A kubeconfig to reach the cluster with, instead of what the GKE API says.
    pub kubeconfig: Option<PathBuf>,
    /// Who verifies the callers of the door.
    pub auth_mode: AuthMode,
    /// Where the keys of ID tokens are found instead of at Google's.
    pub jwks_url: Option<Url>,
    /// Port of the door.
    pub port: u16,
    /// What is logged, as a filter: `info`, `info,dify_reconciler::cloud=debug`.
    pub log: String,
    /// How a log line looks.
    pub log_format: LogFormat,
    /// Where traces and metrics are sent; nowhere when `None`.
    pub otlp_endpoint: Option<Url>,
    /// Who is told what is new.
    pub notify: NotifyConfig,
    /// Full name of the Pub/Sub topic that secrets which rotate ring on; empty for none.
    pub rotation_topic: String,
    /// Where Pub/Sub's emulator is, as `host:port`; Google's own when empty. For pull mode.
    pub pubsub_emulator: String,
}

/// Who is told what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyConfig {
    /// Full name of a Pub/Sub topic; empty for none.
    pub topic: String,
    /// A webhook's address, which is all that it takes to write there; empty for none.
    pub webhook: Sensitive,
    /// What is posted to the webhook.
    pub format: NoticeFormat,
}

/// What is posted to a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoticeFormat {
    /// One CloudEvent a post, in structured mode.
    #[default]
    CloudEvents,
    /// `{"text": …}`, as Slack and those that imitate it take it.
    Slack,
}

/// Who verifies the callers of the door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// We verify the ID token ourselves.
    #[default]
    Verify,
    /// Cloud Run's own invoker check has verified it; only the claims are looked at.
    TrustInvokerCheck,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// As Cloud Logging takes it.
    Json,
    /// For people.
    Text,
}

/// What the process is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve: everything must be set.
    Service,
    /// For one command: only what that needs.
    CommandLine,
}

/// One variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What may be set, in words.
    pub expected: &'static str,
    /// An example that would be taken.
    pub example: &'static str,
    /// What holds when it is not set; `None` when the service cannot do without.
    pub default: Option<&'static str>,
    /// What it is for.
    pub meaning: &'static str,
}

const fn row(
    name: &'static str,
    expected: &'static str,
    example: &'static str,
    default: Option<&'static str>,
    meaning: &'static str,
) -> Setting {
    Setting { name, expected, example, default, meaning }
}

/// Variables whose values are never shown.
const SECRETS: [&str; 1] = ["NOTIFY_WEBHOOK"];

/// Every variable that is read, in the order of the documentation.
#[rustfmt::skip]
pub const TABLE: &[Setting] = &[
    row("PROJECT_ID", "a project id", "my-project", None, "Project that deployments are made in"),
    row("SPEC_BUCKET", "a bucket name", "my-project-dify-specs", None, "Bucket that users write specs to"),
    row("STATE_BUCKET", "another bucket name", "my-project-dify-state", None, "Bucket for leases, status and history; never the spec bucket, or our own writes would ring our bell"),
    row("QUEUE", "the full name of a Cloud Tasks queue", "projects/my-project/locations/europe-west1/queues/dify", None, "Queue for continuations"),
    row("SERVICE_URL", "an http(s) URL", "https://dify-reconciler-abc123-ew.a.run.app", None, "Our own address: where tasks are sent, and the audience of tokens"),
    row("TASKS_SERVICE_ACCOUNT", "a service account's email", "dify-tasks@my-project.iam.gserviceaccount.com", None, "Whose token a task carries"),
    row("EVENT_SERVICE_ACCOUNTS", "emails of service accounts, with commas", "dify-events@my-project.iam.gserviceaccount.com", None, "Who may deliver events"),
    row("ENDPOINT_BASE", "an http(s) URL", "http://127.0.0.1:9100", Some(""), "One server that stands for all of Google's APIs, each below its host name; no credentials are sent to it"),
    row("KUBECONFIG", "a file that exists", "/etc/dify/kubeconfig", Some(""), "How the cluster is reached, when not by its GKE endpoint"),
    row("AUTH_MODE", "`verify` or `trust-invoker-check`", "verify", Some("verify"), "Whether we verify ID tokens ourselves or rely on Cloud Run's invoker check"),
    row("JWKS_URL", "an http(s) URL", "http://127.0.0.1:9100/oauth2/v3/certs", Some(""), "Where the keys of ID tokens are, when not at Google's"),
    row("PORT", "a port", "8080", Some("8080"), "Port of the door"),
    row("LOG", "a level, or a filter per module", "info,dify_reconciler::cloud=debug", Some("info"), "What is logged"),
    row("LOG_FORMAT", "`json` or `text`", "json", Some("json"), "Whether log lines are for Cloud Logging or for people; on the command line `text` is the default"),
    row("NOTIFY_TOPIC", "the full name of a Pub/Sub topic", "projects/my-project/topics/dify-notices", Some(""), "Topic for what is new: changes of a condition, plans that wait for an approval, what happened; as CloudEvents"),
    row("NOTIFY_WEBHOOK", "an http(s) URL", "https://hooks.slack.com/services/T0/B0/x", Some(""), "Where the same is posted; it is kept as a secret"),
    row("NOTIFY_FORMAT", "`cloudevents` or `slack`", "slack", Some("cloudevents"), "What is posted: a CloudEvent each, or a text for a chat"),
    row("ROTATION_TOPIC", "the full name of a Pub/Sub topic", "projects/my-project/topics/dify-rotations", Some(""), "Topic that secrets which rotate by themselves ring on when they are due; Secret Manager's service agent has to be allowed to publish to it. Without one the tick finds what is due"),
    row("PUBSUB_EMULATOR_HOST", "a host and a port", "127.0.0.1:8085", Some(""), "Pub/Sub's emulator, for `serve --subscription` on a laptop; no credentials are sent to it"),
    row("OTLP_ENDPOINT", "an http(s) URL", "https://telemetry.googleapis.com", Some(""), "Where traces and metrics are sent by OTLP over HTTP"),
];

/// The documentation of [`TABLE`], as Markdown.
pub fn table() -> String {
    let mut text =
        String::from("| Variable | Expected | Default | Meaning | Example |\n|---|---|---|---|---|\n");
    for Setting { name, expected, example, default, meaning } in TABLE {
        let default = match *default {
            None => "**required**".to_owned(),
            Some("") => "—".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        text.push_str(&format!("| `{name}` | {expected} | {default} | {meaning} | `{example}` |\n"));
    }
    text
}

/// Everything that is wrong with the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence for each variable.
    pub faults: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is not complete:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// Everything that is missing or wrong, one sentence for each variable.
    pub fn from_env(purpose: Purpose) -> Result<Self, ConfigError> {
        Self::read(purpose, &|name| std::env::var(name).ok())
    }

    /// Reads what `lookup` gives. An empty value counts as not set.
    ///
    /// # Errors
    /// Everything that is missing or wrong, one sentence for each variable.
    pub fn read(purpose: Purpose, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { purpose, lookup, faults: Vec::new() };
        let config = Self {
            project_id: reader.text("PROJECT_ID", is_name),
            spec_bucket: reader.text("SPEC_BUCKET", is_name),
            state_bucket: reader.text("STATE_BUCKET", is_name),
            queue: reader.text("QUEUE", is_queue),
            service_url: reader.parsed("SERVICE_URL", http_url),
            tasks_service_account: reader.text("TASKS_SERVICE_ACCOUNT", is_email),
            event_service_accounts: split(
                &reader.text("EVENT_SERVICE_ACCOUNTS", |v| split(v).iter().all(|v| is_email(v))),
            ),
            endpoint_base: reader.parsed("ENDPOINT_BASE", http_url),
            kubeconfig: reader.parsed("KUBECONFIG", |v| Some(PathBuf::from(v)).filter(|path| path.is_file())),
            auth_mode: reader.parsed("AUTH_MODE", auth_mode).unwrap_or_default(),
            jwks_url: reader.parsed("JWKS_URL", http_url),
            port: reader.parsed("PORT", |v| u16::from_str(v).ok().filter(|port| *port > 0)).unwrap_or(8080),
            log: reader.text("LOG", |v| v.parse::<tracing_subscriber::filter::Targets>().is_ok()),
            log_format: reader.parsed("LOG_FORMAT", log_format).unwrap_or(LogFormat::Json),
            otlp_endpoint: reader.parsed("OTLP_ENDPOINT", http_url),
            notify: NotifyConfig {
                topic: reader.text("NOTIFY_TOPIC", is_topic),
                webhook: Sensitive::new(reader.text("NOTIFY_WEBHOOK", |v| http_url(v).is_some())),
                format: reader.parsed("NOTIFY_FORMAT", notice_format).unwrap_or_default(),
            },
            rotation_topic: reader.text("ROTATION_TOPIC", is_topic),
            pubsub_emulator: reader.text("PUBSUB_EMULATOR_HOST", |v| {
                v.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            }),
        };
        if !config.spec_bucket.is_empty() && config.spec_bucket == config.state_bucket {
            reader.faults.push("STATE_BUCKET is the spec bucket: it has to be another one".into());
        }
        if reader.faults.is_empty() { Ok(config) } else { Err(ConfigError { faults: reader.faults }) }
    }
}

struct Reader<'a> {
    purpose: Purpose,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// The value as it is, when it passes the check; empty after a fault.
    fn text(&mut self, name: &str, check: impl Fn(&str) -> bool) -> String {
        self.parsed(name, |value| check(value).then(|| value.to_owned())).unwrap_or_default()
    }

    fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let setting = TABLE.iter().find(|setting| setting.name == name)?;
        let given = (self.lookup)(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let value = given.as_deref().or(self.default_of(setting));
        match value {
            Some("") => None,
            None if self.purpose == Purpose::CommandLine => None,
            None => {
                self.fault(setting, "is not set");
                None
            }
            Some(value) => parse(value).or_else(|| {
                let shown = if SECRETS.contains(&name) { PLACEHOLDER } else { value };
                self.fault(setting, &format!("is `{shown}`"));
                None
            }),
        }
    }

    fn default_of(&self, setting: &Setting) -> Option<&'static str> {
        match (setting.name, self.purpose) {
            ("LOG_FORMAT", Purpose::CommandLine) => Some("text"),
            // Between the lines of a command's own output only what went wrong is of interest.
            ("LOG", Purpose::CommandLine) => Some("warn"),
            _ => setting.default,
        }
    }

    fn fault(&mut self, setting: &Setting, what: &str) {
        let Setting { name, expected, example, .. } = setting;
        self.faults.push(format!("{name} {what}: expected {expected}, for example {example}"));
    }
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn http_url(value: &str) -> Option<Url> {
    Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_name(value: &str) -> bool {
    value.len() >= 3
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.:".contains(&b))
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

fn is_queue(value: &str) -> bool {
    let parts: Vec<&str> = value.split('/').collect();
    matches!(parts[..], ["projects", p, "locations", l, "queues", q] if !p.is_empty() && !l.is_empty() && !q.is_empty())
}

fn is_topic(value: &str) -> bool {
    let parts: Vec<&str> = value.split('/').collect();
    matches!(parts[..], ["projects", p, "topics", t] if !p.is_empty() && !t.is_empty())
}

fn notice_format(value: &str) -> Option<NoticeFormat> {
    match value {
        "cloudevents" => Some(NoticeFormat::CloudEvents),
        "slack" => Some(NoticeFormat::Slack),
        _ => None,
    }
}

fn auth_mode(value: &str) -> Option<AuthMode> {
    match value {
        "verify" => Some(AuthMode::Verify),
        "trust-invoker-check" => Some(AuthMode::TrustInvokerCheck),
        _ => None,
    }
}

fn log_format(value: &str) -> Option<LogFormat> {
    match value {
        "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str) -> Option<String> {
        let setting = TABLE.iter().find(|setting| setting.name == name).unwrap();
        (name != "KUBECONFIG").then(|| setting.example.to_owned())
    }

    #[test]
    fn every_example_of_the_table_is_taken() {
        let config = Config::read(Purpose::Service, &example).unwrap();
        assert_eq!(config.event_service_accounts, ["dify-events@my-project.iam.gserviceaccount.com"]);
        assert_eq!(config.service_url.unwrap().host_str(), Some("dify-reconciler-abc123-ew.a.run.app"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let lookup = |name: &str| match name {
            "PORT" => Some("0".into()),
            "QUEUE" => Some("dify".into()),
            "SERVICE_URL" => None,
            "STATE_BUCKET" => example("SPEC_BUCKET"),
            name => example(name),
        };
        let error = Config::read(Purpose::Service, &lookup).unwrap_err();
        insta::assert_snapshot!(error, @r"
        the environment is not complete:
          QUEUE is `dify`: expected the full name of a Cloud Tasks queue, for example projects/my-project/locations/europe-west1/queues/dify
          SERVICE_URL is not set: expected an http(s) URL, for example https://dify-reconciler-abc123-ew.a.run.app
          PORT is `0`: expected a port, for example 8080
          STATE_BUCKET is the spec bucket: it has to be another one
        ");
    }

    #[test]
    fn a_webhook_is_never_shown() {
        let lookup = |name: &str| {
            if name == "NOTIFY_WEBHOOK" { Some("hooks.example/hunter2".into()) } else { example(name) }
        };
        let error = Config::read(Purpose::Service, &lookup).unwrap_err().to_string();
        assert!(error.contains("NOTIFY_WEBHOOK is `(sensitive)`") && !error.contains("hunter2"), "{error}");
        let config = Config::read(Purpose::Service, &example).unwrap();
        assert!(!format!("{config:?}").contains("hooks.slack.com"));
        assert_eq!(config.notify.webhook.reveal(), example("NOTIFY_WEBHOOK").unwrap());
    }

    #[test]
    fn a_command_needs_nothing_but_may_not_be_given_nonsense() {
        let config = Config::read(Purpose::CommandLine, &|_| None).unwrap();
        assert_eq!((config.project_id.as_str(), config.log_format, config.port), ("", LogFormat::Text, 8080));
        assert!(Config::read(Purpose::CommandLine, &|name| (name == "PORT").then(|| "x".into())).is_err());
    }

    #[test]
    fn the_table_documents_each_variable_on_a_line_of_its_own() {
        assert_eq!(table().lines().count(), TABLE.len() + 2);
    }
}
