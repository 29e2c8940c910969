//! The API server of one cluster, spoken to in plain JSON.

pub mod connect;
mod logs;

use std::sync::Arc;

use http::Method;
use kube::client::Body;
use serde_json::{Value, json};
use tracing::Instrument;

pub use connect::ClusterAddress;

use super::answer::Answer;
use super::retry::Patience;
use super::wire::{self, Wire, segment};
use crate::error::{CloudError, Failure};
use crate::resources::Document;
use crate::resources::kubernetes::Kind;
use crate::resources::kubernetes::kind::ApiKind;

/// Under which name we own fields.
pub const FIELD_MANAGER: &str = "dify-reconciler";
/// Objects in one page of a list.
const PAGE: usize = 500;

/// One cluster.
#[derive(Clone)]
pub struct Kubernetes {
    client: kube::Client,
    /// Present when each request has to carry our token; a kubeconfig brings its own identity.
    wire: Option<Arc<Wire>>,
    patience: Patience,
}

/// One request to the API server.
struct Call<'a> {
    /// For errors and spans: `Deployment apply`.
    name: &'a str,
    method: Method,
    path: String,
    content_type: &'static str,
    body: Option<Value>,
}

impl Kubernetes {
    /// Every object of a kind in a namespace (or everywhere, when it is empty) that has these labels.
    /// `None` when the cluster does not serve the kind at all.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn list(
        &self,
        kind: Kind,
        namespace: &str,
        label_selector: &str,
    ) -> Result<Option<Vec<Value>>, CloudError> {
        let api = kind.api();
        let (mut items, mut from) = (Vec::new(), String::new());
        loop {
            let path = format!("{}?{}", collection(&api, namespace), page_query(label_selector, &from));
            let page = match self.call(&format!("{} list", api.kind), Method::GET, path).await {
                Err(error) if error.is_not_found() => return Ok(None),
                answered => answered?,
            };
            let found = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            items.extend(found.into_iter().map(|item| named(item, &api)));
            from = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
            if from.is_empty() {
                return Ok(Some(items));
            }
        }
    }

    /// One object; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, kind: Kind, namespace: &str, name: &str) -> Result<Option<Value>, CloudError> {
        let api = kind.api();
        match self.call(&format!("{} get", api.kind), Method::GET, object(&api, namespace, name)).await {
            Err(error) if error.is_not_found() => Ok(None),
            answered => answered.map(|body| Some(named(body, &api))),
        }
    }

    /// Server-side apply: makes the fields of the document ours, whoever had them, and removes those that
    /// were ours and are not in it. With a `resource_version` only when the object is still that version.
    /// Gives the object as it is then.
    ///
    /// # Errors
    /// When the API server refuses it, has another version of it, or does not answer. Of a Secret nothing is quoted.
    pub async fn apply(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        document: &Document,
        resource_version: Option<&str>,
    ) -> Result<Value, CloudError> {
        self.patch(kind, namespace, name, document, resource_version, "").await
    }

    /// What [`Kubernetes::apply`] would give, without doing it.
    ///
    /// # Errors
    /// When the API server would refuse it, or does not answer.
    pub async fn dry_run(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        document: &Document,
        resource_version: Option<&str>,
    ) -> Result<Value, CloudError> {
        self.patch(kind, namespace, name, document, resource_version, "&dryRun=All").await
    }

    async fn patch(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        document: &Document,
        resource_version: Option<&str>,
        dry_run: &str,
    ) -> Result<Value, CloudError> {
        let api = kind.api();
        let mut body = named(document.wire().clone(), &api);
        if let Some(version) = resource_version {
            body["metadata"]["resourceVersion"] = version.into();
        }
        let call = Call {
            name: &format!("{} apply", api.kind),
            method: Method::PATCH,
            path: format!(
                "{}?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict{dry_run}",
                object(&api, namespace, name)
            ),
            // JSON is YAML.
            content_type: "application/apply-patch+yaml",
            body: Some(body),
        };
        let applied = self.exchange(&call).await.map_err(|error| hide_values(kind, error))?;
        applied.json(call.name)
    }

    /// Deletes exactly the object that was seen, and what it owns in the background. One that is gone
    /// already is fine.
    ///
    /// # Errors
    /// When it is another object or another version by now, or the call failed.
    pub async fn delete(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CloudError> {
        let api = kind.api();
        let call = Call {
            name: &format!("{} delete", api.kind),
            method: Method::DELETE,
            path: object(&api, namespace, name),
            content_type: "application/json",
            body: Some(json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": "Background",
                "preconditions": {"uid": uid, "resourceVersion": resource_version},
            })),
        };
        match self.exchange(&call).await {
            Err(error) if error.is_not_found() => Ok(()),
            answered => answered.map(drop),
        }
    }

    /// The last lines that a failed Job wrote, or why it could not write any; `None` when it has no pod.
    ///
    /// # Errors
    /// When its pods or the log cannot be read.
    pub async fn pod_log_tail(
        &self,
        namespace: &str,
        job_name: &str,
        lines: usize,
    ) -> Result<Option<String>, CloudError> {
        logs::tail(self, namespace, job_name, lines).await
    }

    async fn call(&self, name: &str, method: Method, path: String) -> Result<Value, CloudError> {
        let call = Call { name, method, path, content_type: "application/json", body: None };
        self.exchange(&call).await?.json(name)
    }

    /// One logical call: span, tries. The span never holds a body.
    async fn exchange(&self, call: &Call<'_>) -> Result<Answer, CloudError> {
        let span = tracing::info_span!("kubernetes", call = call.name, status = tracing::field::Empty);
        let attempt =
            || -> futures::future::BoxFuture<'_, Result<Answer, CloudError>> { Box::pin(self.attempt(call)) };
        // Every call we make says the same when it is repeated, or has a precondition.
        let (outcome, _) = self.patience.run(call.name, true, &attempt).instrument(span.clone()).await;
        let answer = outcome.inspect_err(|error| {
            span.record("status", error.status().unwrap_or(0));
        })?;
        span.record("status", answer.status.as_u16());
        for warning in answer.headers.get_all("warning").iter().filter_map(|value| value.to_str().ok()) {
            tracing::info!(parent: &span, call = call.name, warning, "the API server warns");
        }
        Ok(answer)
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, CloudError> {
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = http::Request::builder().method(call.method.clone()).uri(&call.path);
        if let Some(headers) = request.headers_mut() {
            headers.extend(wire::trace_headers());
            headers.insert(http::header::USER_AGENT, http::HeaderValue::from_static(wire::USER_AGENT));
            if let Some(wire) = &self.wire {
                headers.extend(wire.identity_headers().await?);
            }
            if call.body.is_some() {
                let content_type = http::HeaderValue::from_static(call.content_type);
                headers.insert(http::header::CONTENT_TYPE, content_type);
            }
        }
        let request = request
            .body(Body::from(body.into_bytes()))
            .map_err(|error| CloudError::new(call.name, Failure::Malformed, wire::whole(&error)))?;
        let response = self.client.send(request).await.map_err(|error| connect::failed(call.name, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect_bytes().await;
        let body = body.map_err(|error| connect::failed(call.name, &error))?;
        Ok(Answer { status, headers, body })
    }
}

/// The query of one page: which labels, and from where on.
fn page_query(label_selector: &str, from: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    for (name, value) in [("labelSelector", label_selector), ("continue", from)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// The path of a kind's objects in a namespace, or everywhere when it is empty.
fn collection(api: &ApiKind, namespace: &str) -> String {
    let group = if api.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", api.group) };
    let base = format!("{group}/{}", api.version);
    if api.namespaced && !namespace.is_empty() {
        format!("{base}/namespaces/{}/{}", segment(namespace), api.plural)
    } else {
        format!("{base}/{}", api.plural)
    }
}

fn object(api: &ApiKind, namespace: &str, name: &str) -> String {
    format!("{}/{}", collection(api, namespace), segment(name))
}

/// The object with its kind, which items of a list lack.
fn named(mut object: Value, api: &ApiKind) -> Value {
    if let Some(map) = object.as_object_mut() {
        let group = if api.group.is_empty() { String::new() } else { format!("{}/", api.group) };
        map.entry("apiVersion").or_insert_with(|| format!("{group}{}", api.version).into());
        map.entry("kind").or_insert_with(|| api.kind.into());
    }
    object
}

/// An API server quotes what it does not like. Of a Secret nothing is quoted further.
fn hide_values(kind: Kind, mut error: CloudError) -> CloudError {
    if kind == Kind::Secret {
        let parts = error.message.split('"').enumerate();
        let shown = parts.map(|(n, part)| if n % 2 == 0 { part } else { crate::redact::PLACEHOLDER });
        error.message = shown.collect::<Vec<_>>().join("\"");
    }
    error
}

#[cfg(test)]
mod tests;
