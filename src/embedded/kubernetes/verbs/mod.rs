//! What a request does to the world: one file per verb.

mod apply;
mod delete;
mod patch;
mod read;
pub mod watch;

use jiff::Timestamp;
use serde_json::Value;

use super::discovery;
use super::failure::Failure;
use super::request::{Request, Target};
use super::store::{Key, World};
use super::write::{Validation, Writer};
use watch::Watch;

/// What is answered.
pub enum Answer {
    /// A document.
    Json {
        /// The HTTP status.
        code: u16,
        /// The body.
        body: Value,
        /// What to say in `Warning` headers.
        warnings: Vec<String>,
    },
    /// Text.
    Text(u16, String),
    /// A stream of changes.
    Watch(Box<Watch>),
}

impl Answer {
    /// A document without warnings.
    pub fn json(code: u16, body: Value) -> Self {
        Self::Json { code, body, warnings: Vec::new() }
    }

    /// A refusal.
    pub fn failure(failure: &Failure) -> Self {
        Self::json(failure.code, failure.to_status())
    }
}

/// Does what the request asks.
pub fn handle(world: &mut World, request: &Request, now: Timestamp) -> Answer {
    if request.method == "GET"
        && let Some(answer) = discovery::answer(&request.path)
    {
        return answer;
    }
    let Some(target) = Target::parse(&request.path) else {
        return if discovery::is_served(&request.path) {
            Answer::failure(&Failure::no_such_resource())
        } else {
            Answer::Text(404, "404 page not found\n".to_owned())
        };
    };
    dispatch(world, request, &target, now).unwrap_or_else(|failure| Answer::failure(&failure))
}

fn dispatch(
    world: &mut World,
    request: &Request,
    target: &Target,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let status = target.subresource == "status" && target.kind.status;
    match (request.method.as_str(), target.name.as_str(), target.subresource.as_str()) {
        ("GET", "", _) => read::list(world, request, target),
        ("GET", _, "") => read::get(world, target),
        ("GET", _, "status") if status => read::get(world, target),
        ("GET", _, "log") if target.kind.kind == "Pod" => read::log(world, request, target),
        ("POST", "", _) => create(world, request, target, now),
        ("PUT", name, sub) if !name.is_empty() && (sub.is_empty() || status) => {
            let mut writer = writer(request, target, now, request.query.get("fieldManager"))?;
            let body = named(parse(&request.body)?, target)?;
            if world.get(&key(target)).is_some() {
                writer.demand_version(&body, name)?;
            }
            let stored = writer.update(world, &key(target), body)?;
            Ok(Answer::Json { code: 200, body: stored, warnings: writer.warnings })
        }
        ("PATCH", name, sub) if !name.is_empty() && (sub.is_empty() || status) => {
            patch::patch(world, request, target, now)
        }
        ("DELETE", _, "") => delete::delete(world, request, target, now),
        (_, _, sub) if !sub.is_empty() => Err(Failure::no_such_resource()),
        _ => Err(Failure::method_not_allowed()),
    }
}

fn create(world: &mut World, request: &Request, target: &Target, now: Timestamp) -> Result<Answer, Failure> {
    let mut writer = writer(request, target, now, request.query.get("fieldManager"))?;
    let stored = writer.create(world, &target.namespace, parse(&request.body)?)?;
    Ok(Answer::Json { code: 201, body: stored, warnings: writer.warnings })
}

/// A body may leave its name out, but not contradict the path.
fn named(mut body: Value, target: &Target) -> Result<Value, Failure> {
    let name = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() && body.is_object() {
        body["metadata"]["name"] = target.name.as_str().into();
    } else if name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    if target.kind.namespaced && body["metadata"].get("namespace").is_none() {
        body["metadata"]["namespace"] = target.namespace.as_str().into();
    }
    Ok(body)
}

/// The write a request asks for.
fn writer<'a>(
    request: &Request,
    target: &'a Target,
    now: Timestamp,
    manager: &str,
) -> Result<Writer<'a>, Failure> {
    let validation = match request.query.get("fieldValidation") {
        "Strict" => Validation::Strict,
        "Ignore" => Validation::Ignore,
        _ => Validation::Warn,
    };
    let dry_run = match request.query.get("dryRun") {
        "" => false,
        "All" => true,
        other => return Err(Failure::bad_request(format!("Invalid value: {other:?}: must be All"))),
    };
    let manager = if manager.is_empty() { request.manager() } else { manager.to_owned() };
    let subresource = target.subresource.as_str();
    Ok(Writer { kind: target.kind, now, manager, subresource, dry_run, validation, warnings: Vec::new() })
}

fn key(target: &Target) -> Key {
    Key::new(target.kind, &target.namespace, &target.name)
}

fn parse(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let why = "the object provided is unrecognized (must be of type json)";
        Failure::bad_request(format!("{why}: {error}"))
    })
}
