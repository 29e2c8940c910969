//! The one HTTP client and the one identity that all calls share. Both are made at first use.

use std::sync::LazyLock;
use std::time::Duration;

use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, CacheableResource, Credentials, anonymous,
};
use google_cloud_auth::errors::CredentialsError;
use http::HeaderMap;
use opentelemetry_http::HeaderInjector;
use tokio::sync::OnceCell;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;

use super::answer::Answer;
use crate::error::{CloudError, Failure};

/// What we call ourselves.
pub const USER_AGENT: &str = concat!("dify-reconciler/", env!("CARGO_PKG_VERSION"));

/// A connection that is not there by then will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where Google's APIs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// One server for all of them, each below its host name; their own hosts when `None`.
    pub base: Option<Url>,
}

impl Endpoints {
    /// The URL of a path of an API. `host` names the API: `sqladmin.googleapis.com`.
    pub fn url(&self, host: &str, path: &str) -> String {
        match &self.base {
            Some(base) => format!("{}/{host}/{path}", base.as_str().trim_end_matches('/')),
            None => format!("https://{host}/{path}"),
        }
    }
}

/// HTTP client, endpoints and identity.
#[derive(Debug, Default)]
pub struct Wire {
    endpoints: Endpoints,
    client: OnceCell<reqwest::Client>,
    identity: OnceCell<AccessTokenCredentials>,
}

impl Wire {
    /// A wire to these endpoints. Nothing is opened yet.
    pub fn new(endpoints: Endpoints) -> Self {
        Self { endpoints, client: OnceCell::new(), identity: OnceCell::new() }
    }

    /// Where the APIs are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The HTTP client. Making it reads the system's certificates, which takes some milliseconds.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub async fn client(&self) -> Result<&reqwest::Client, CloudError> {
        self.client.get_or_try_init(|| async { build_client() }).await
    }

    /// The identity for the official clients: the application default one, or none at an endpoint that
    /// was overridden.
    ///
    /// # Errors
    /// When there is no identity on this machine.
    pub async fn credentials(&self) -> Result<Credentials, CloudError> {
        if self.endpoints.base.is_some() {
            return Ok(anonymous::Builder::new().build());
        }
        Ok(Credentials::from(self.identity().await?.clone()))
    }

    /// The headers that say who we are; none at an endpoint that was overridden.
    ///
    /// # Errors
    /// When there is no identity on this machine, or no token is given for it.
    pub async fn identity_headers(&self) -> Result<HeaderMap, CloudError> {
        if self.endpoints.base.is_some() {
            return Ok(HeaderMap::new());
        }
        let headers = self.credentials().await?.headers(http::Extensions::new()).await;
        match headers.map_err(|error| no_token(&error))? {
            CacheableResource::New { data, .. } => Ok(data),
            // Only answered to a caller that has shown what it has.
            CacheableResource::NotModified => Ok(HeaderMap::new()),
        }
    }

    async fn identity(&self) -> Result<&AccessTokenCredentials, CloudError> {
        let build = || async { Builder::default().build_access_token_credentials() };
        self.identity.get_or_try_init(build).await.map_err(|error| no_credentials(&error))
    }

    /// Sends one request once and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn send(&self, call: &str, request: reqwest::RequestBuilder) -> Result<Answer, CloudError> {
        let response = request.headers(trace_headers()).send().await.map_err(|error| sending(call, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(|error| sending(call, error))?;
        Ok(Answer { status, headers, body })
    }
}

/// A client with our name and time limits, for every plain HTTP call that is made outward.
///
/// # Errors
/// When the system's certificates cannot be used.
pub fn build_client() -> Result<reqwest::Client, CloudError> {
    let client = reqwest::Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT);
    client.build().map_err(|error| CloudError::new("http client", Failure::Connect, whole(&error)))
}

/// The headers by which whoever is called can join our trace.
pub fn trace_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let context = tracing::Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(&mut headers));
    });
    headers
}

fn sending(call: &str, error: reqwest::Error) -> CloudError {
    let failure = if error.is_connect() || error.is_builder() { Failure::Connect } else { Failure::NoAnswer };
    CloudError::new(call, failure, whole(&error.without_url()))
}

fn no_credentials(error: &dyn std::error::Error) -> CloudError {
    CloudError::new("google identity", Failure::Credentials, whole(error))
}

/// A token server that is not there for a moment is like any other; nothing has been sent to the API.
fn no_token(error: &CredentialsError) -> CloudError {
    if error.is_transient() {
        return CloudError::new("google identity", Failure::Connect, whole(error));
    }
    no_credentials(error)
}

/// An error's text with those of its causes, which libraries tend to leave out.
pub fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Percent-encodes one segment of a path.
pub fn segment(text: &str) -> String {
    static KEPT: LazyLock<percent_encoding::AsciiSet> = LazyLock::new(|| {
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~')
    });
    percent_encoding::utf8_percent_encode(text, &KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn whoever_is_called_can_join_our_trace() {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("work");
            let headers = span.in_scope(trace_headers);
            let parent = headers.get("traceparent").unwrap().to_str().unwrap();
            assert!(parent.starts_with("00-") && parent.ends_with("-01"), "{parent}");
        });
    }

    #[test]
    fn a_base_stands_before_every_host() {
        let base = Some(Url::parse("http://127.0.0.1:9/x/").unwrap());
        assert_eq!(Endpoints { base }.url("a.b", "v1/c"), "http://127.0.0.1:9/x/a.b/v1/c");
        assert_eq!(Endpoints::default().url("a.b", "v1/c"), "https://a.b/v1/c");
        assert_eq!(segment("a/b c.yaml"), "a%2Fb%20c.yaml");
    }
}
