//! The thin REST engine for all of Google's APIs.

use std::sync::{Arc, OnceLock};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use serde_json::Value;
use tracing::Instrument;

use super::answer::Answer;
use super::draw;
use super::operation::{self, OperationRef};
use super::retry::Patience;
use super::wire::Wire;
use crate::error::{CloudError, Failure};
use crate::inventory::OperationState;
use crate::plan::{Body, GoogleRequest, Method};

/// A list call does not go on for ever, whatever a server answers.
const MOST_PAGES: usize = 500;

/// All of Google's REST APIs.
#[derive(Clone, Debug)]
pub struct Google {
    wire: Arc<Wire>,
    patience: Patience,
}

/// What a list call gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The pages, as they came.
    pub pages: Vec<Value>,
    /// Locations that could not be asked; of what is there nothing may be concluded.
    pub missing: Vec<String>,
}

impl Google {
    /// The APIs at the other end of a wire.
    pub fn new(wire: Arc<Wire>) -> Self {
        Self { wire, patience: Patience::default() }
    }

    /// The same with other time limits.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Makes one call, repeated while its failure is one that passes. An answer that is an operation
    /// which has already failed is an error, too.
    ///
    /// # Errors
    /// When it is still refused or unanswered after the last try, or its operation has failed.
    pub async fn call(&self, request: &GoogleRequest) -> Result<Value, CloudError> {
        let answer = self.exchange(request).await?;
        if let Some(OperationState::Failed(_)) = operation::operation_state(&answer) {
            return Err(failed_operation(request.method_id, &answer));
        }
        Ok(answer)
    }

    /// Makes a list call, and again with each page's token.
    ///
    /// # Errors
    /// When a page cannot be had, or the list does not come to an end.
    pub async fn list_all(&self, request: &GoogleRequest) -> Result<Listing, CloudError> {
        let mut listing = Listing::default();
        let mut page_request = request.clone();
        for _ in 0..MOST_PAGES {
            let page = self.exchange(&page_request).await?;
            listing.missing.extend(missing(&page));
            let token = page.get("nextPageToken").and_then(Value::as_str).unwrap_or_default().to_owned();
            listing.pages.push(page);
            if token.is_empty() {
                return Ok(listing);
            }
            page_request.query.retain(|(name, _)| *name != "pageToken");
            page_request.query.push(("pageToken", token));
        }
        Err(CloudError::new(request.method_id, Failure::Malformed, "the list does not come to an end"))
    }

    /// How an operation stands. One that is no longer known is an error (`is_not_found`): then the
    /// resource itself has to be looked at.
    ///
    /// # Errors
    /// When it cannot be asked about, is no longer known, or the answer is not an operation.
    pub async fn operation(&self, operation: &OperationRef) -> Result<OperationState, CloudError> {
        let request = GoogleRequest {
            method: Method::Get,
            host: operation.host,
            path: operation.path.clone(),
            query: Vec::new(),
            body: Body::Empty,
            method_id: "operations.get",
        };
        let answer = self.exchange(&request).await?;
        operation::operation_state(&answer).ok_or_else(|| {
            CloudError::new(request.method_id, Failure::Malformed, "the answer is not an operation")
        })
    }

    /// One logical call: span, tries, count. The span never holds a body.
    async fn exchange(&self, request: &GoogleRequest) -> Result<Value, CloudError> {
        let method_id = request.method_id;
        let span = tracing::info_span!("google", method_id, status = tracing::field::Empty, tries = 0);
        let idempotent = is_idempotent(request);
        // Drawn here, so that each try sends the same and only a repeated step could draw again.
        let body = body_of(&request.body);
        let attempt = || -> futures::future::BoxFuture<'_, Result<Answer, CloudError>> {
            Box::pin(self.attempt(request, body.as_ref()))
        };
        let run = self.patience.run(method_id, idempotent, &attempt);
        let (outcome, tries) = run.instrument(span.clone()).await;
        let status = match &outcome {
            Ok(answer) => answer.status.as_u16(),
            Err(error) => error.status().unwrap_or(0),
        };
        span.record("status", status).record("tries", tries);
        count(method_id, status);
        outcome?.json(method_id)
    }

    async fn attempt(&self, request: &GoogleRequest, body: Option<&Value>) -> Result<Answer, CloudError> {
        let identity = self.wire.identity_headers().await?;
        let url = self.wire.endpoints().url(request.host, &request.path);
        let client = self.wire.client().await?;
        let mut call = client.request(http_method(request.method), url).headers(identity);
        if !request.query.is_empty() {
            call = call.query(&request.query);
        }
        call = match body {
            Some(body) => call.json(body),
            // Google's front end wants a length with every POST and PUT.
            None if matches!(request.method, Method::Post | Method::Put) => {
                call.header("content-length", "0")
            }
            None => call,
        };
        self.wire.send(request.method_id, call).await
    }
}

fn body_of(body: &Body) -> Option<Value> {
    match body {
        Body::Empty => None,
        Body::Document(document) => Some(document.wire().clone()),
        Body::Generated(recipe) => Some(draw::add_version(&draw::draw(*recipe))),
    }
}

/// Methods that read although they are a POST, or make something under a name that we choose, or tell something
/// that has an id.
const REPEATABLE: [&str; 6] = [
    "getIamPolicy",
    "testIamPermissions",
    "tasks.create",
    "services.batchEnable",
    "topics.publish",
    "validateAttestationOccurrence",
];

/// Whether a call may be repeated after it may have been done: it says the same again, only reads, has a
/// request id, or cannot fit twice because of its precondition.
fn is_idempotent(request: &GoogleRequest) -> bool {
    let conditional = || {
        request.query.iter().any(|(name, _)| {
            matches!(*name, "requestId" | "etag" | "ifGenerationMatch" | "ifMetagenerationMatch")
        })
    };
    let repeatable = || REPEATABLE.iter().any(|method| request.method_id.ends_with(method));
    match request.method {
        Method::Get | Method::Put | Method::Delete => true,
        Method::Post | Method::Patch => conditional() || repeatable(),
    }
}

fn http_method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

/// Locations that a page says were not asked.
fn missing(page: &Value) -> Vec<String> {
    let named = |field: &str| page.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = ["missingZones", "unreachable", "unreachables"].into_iter().flat_map(named);
    all.filter_map(|location| location.as_str().map(str::to_owned)).collect()
}

fn failed_operation(call: &str, answer: &Value) -> CloudError {
    let (reason, message) = operation::operation_error(answer).unwrap_or_default();
    CloudError::new(call, Failure::Operation, message).with_reason(reason)
}

fn count(method_id: &'static str, status: u16) {
    static CALLS: OnceLock<Counter<u64>> = OnceLock::new();
    let calls = CALLS.get_or_init(|| {
        let meter = opentelemetry::global::meter("dify-reconciler");
        meter.u64_counter("cloud.calls").with_description("Calls made outward").build()
    });
    calls.add(1, &[KeyValue::new("method_id", method_id), KeyValue::new("status", i64::from(status))]);
}

#[cfg(test)]
mod tests;
