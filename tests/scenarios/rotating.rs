//! What the scenarios of rotation share: a deployment that stands, and what can be seen of its logins.

use std::time::Duration;

use dify_reconciler::converge::Work;
use dify_reconciler::handlers::{self, Motion};
use dify_reconciler::plan::{Body, GoogleRequest, Method};
use dify_reconciler::resources::Document;
use dify_reconciler::{events, state::orders};
use serde_json::{Value, json};

use crate::harness::{MINIMAL, Pace, Stage};

/// A deployment with fixed names that has converged, on clouds that take no time: what a rotation waits for is long
/// enough.
pub async fn standing(more: &str) -> (Stage, Work) {
    Stage::standing_at(&spec(more), Pace::Instant).await
}

pub fn spec(more: &str) -> String {
    format!("{MINIMAL}deployment_id: rot00001\n{more}")
}

/// The work that a message of Secret Manager asks for, by the way of the door: decoded, routed, narrowed.
pub fn told(stage: &Stage, kind: &str, suffix: &str) -> Option<Work> {
    let secret = found_secret(stage, suffix);
    heard(&json!({
        "attributes": {"eventType": kind, "dataFormat": "JSON_API_V1", "secretId": secret,
                       "timestamp": stage.clock.now().to_string()},
        "messageId": "1", "publishTime": stage.clock.now().to_string(), "data": "e30="}))
}

/// The same of a message as it was published.
pub fn heard(message: &Value) -> Option<Work> {
    let message = json!({"message": message, "subscription": "projects/demo-project/subscriptions/secrets"});
    let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
    let envelope = events::open(&headers, message.to_string().as_bytes()).remove(0).expect("it opens");
    let event = events::decode(&envelope).expect("it decodes");
    match handlers::motion(&event, "specs") {
        Motion::ConvergeConcerned(concerned) => Some(concerned.work("prod.yaml")),
        _ => None,
    }
}

/// Somebody orders a rotation.
pub async fn order(stage: &Stage, of: &str) {
    let request = orders::Request { what: "rotate".into(), of: of.into(), at: stage.clock.now() };
    let noted = |orders: &mut orders::Orders| orders.request(request.clone());
    orders::change(&stage.converger.state, "prod", noted).await.expect("the order is noted");
}

/// Somebody adds a version to a secret.
pub async fn add_version(stage: &Stage, secret: &str, content: &str) {
    let request = GoogleRequest {
        method: Method::Post,
        host: "secretmanager.googleapis.com",
        path: format!("v1/projects/demo-project/secrets/{secret}:addVersion"),
        query: vec![],
        body: Body::Document(Document::new(json!({"payload": {"data": base64(content)}}))),
        method_id: "secretmanager.projects.secrets.addVersion",
    };
    stage.converger.cloud.google.call(&request).await.expect("a version is added");
}

/// Somebody makes a secret of their own.
pub async fn make_secret(stage: &Stage, secret: &str, content: &str) {
    let request = GoogleRequest {
        method: Method::Post,
        host: "secretmanager.googleapis.com",
        path: "v1/projects/demo-project/secrets".into(),
        query: vec![("secretId", secret.into())],
        body: Body::Document(Document::new(json!({"replication": {"automatic": {}}}))),
        method_id: "secretmanager.projects.secrets.create",
    };
    stage.converger.cloud.google.call(&request).await.expect("a secret is made");
    add_version(stage, secret, content).await;
}

/// The versions of a generated secret, `1 ENABLED`, oldest first.
pub fn versions(stage: &Stage, suffix: &str) -> Vec<String> {
    let folder = format!("{}/versions/", secret_path(stage, suffix));
    let mut found: Vec<(u64, String)> = stage
        .google
        .paths(&folder)
        .into_iter()
        .map(|path| {
            let body = stage.google.get(&path).expect("a version");
            let number = path.trim_start_matches(&folder).parse().expect("a number");
            (number, body["state"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    found.sort();
    found.into_iter().map(|(number, state)| format!("{number} {state}")).collect()
}

/// The login that the pods are told to use, `a` or `b`, after checking that its role has their password.
pub fn serving(stage: &Stage) -> String {
    let password = password(stage);
    let config = stage.object("ConfigMap", "-api-env").expect("the API's ConfigMap");
    let login = config["data"]["DB_USERNAME"].as_str().expect("a login").to_owned();
    assert!(
        stage.google.logs_in(&user_path(stage, &login), &password),
        "the role {login} has the password that the pods have"
    );
    login.chars().last().expect("a letter").to_string()
}

/// The password that the pods have.
pub fn password(stage: &Stage) -> String {
    text(&stage.object("Secret", "-env").expect("the pods' Secret")["data"]["DB_PASSWORD"])
}

/// Whether a login, `a` or `b`, is let in with a password.
pub fn logs_in(stage: &Stage, letter: &str, password: &str) -> bool {
    stage.google.logs_in(&user_path(stage, &format!("_{letter}")), password)
}

fn user_path(stage: &Stage, ending: &str) -> String {
    let all = stage.google.paths("sqladmin/");
    let found = all.into_iter().find(|path| path.contains("/users/") && path.ends_with(ending));
    found.unwrap_or_else(|| panic!("there is no role {ending}"))
}

/// The generated secret of this suffix as the embedded cloud keeps it.
pub fn secret_path(stage: &Stage, suffix: &str) -> String {
    let paths = stage.google.paths("secretmanager/");
    let ending = format!("-{suffix}");
    let found = paths.into_iter().find(|path| path.ends_with(&ending));
    found.unwrap_or_else(|| panic!("there is no secret {suffix}"))
}

/// The checksum on a workload's pods, which changes when they have to read anew.
pub fn configuration(stage: &Stage, name: &str) -> Value {
    let body = stage.object("Deployment", name).expect("a Deployment");
    body["spec"]["template"]["metadata"]["annotations"]["dify-reconciler/configuration"].clone()
}

/// What a Secret of the deployment's says under a name.
pub fn data(stage: &Stage, secret: &str, name: &str) -> Option<String> {
    let secret = stage.object("Secret", secret).expect("a Secret");
    secret["data"].get(name).map(text)
}

pub fn later(stage: &Stage, hours: u64) {
    stage.clock.advance(Duration::from_secs(hours * 3600));
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn text(value: &Value) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().expect("data"));
    String::from_utf8(bytes.expect("base64")).expect("text")
}

/// The full name of a secret, by its whole id or by the end of a generated one's.
pub fn found_secret(stage: &Stage, suffix: &str) -> String {
    let paths = stage.google.paths("secretmanager/");
    let fits =
        |path: &&String| path.ends_with(&format!("/{suffix}")) || path.ends_with(&format!("-{suffix}"));
    let found = paths.iter().find(fits).unwrap_or_else(|| panic!("there is no secret {suffix}"));
    found.trim_start_matches("secretmanager/").to_owned()
}
