//! The rules between fields that the published CRDs state in CEL: those a Dify deployment can break.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::embedded::kubernetes::failure::Cause;
use crate::embedded::kubernetes::kinds::Kind;

/// Finds the rules an object breaks.
pub fn check(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    match kind.kind {
        "Gateway" => gateway(object, causes),
        "HTTPRoute" => route(object, causes),
        "HealthCheckPolicy" => health_check(object, causes),
        _ => {}
    }
}

fn broken(field: &str, found: &str, why: &str, causes: &mut Vec<Cause>) {
    causes.push(Cause::invalid(field, &found.into(), why));
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value[name].as_array().into_iter().flatten().enumerate()
}

fn gateway(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let listeners: Vec<&Value> = list(spec, "listeners").map(|(_, listener)| listener).collect();
    if listeners.is_empty() {
        let why = "spec.listeners in body should have at least 1 items";
        causes.push(Cause::invalid("spec.listeners", &json!(0), why));
    }
    let plain = |listener: &Value| matches!(listener["protocol"].as_str(), Some("HTTP" | "TCP" | "UDP"));
    if listeners.iter().any(|listener| plain(listener) && listener.get("tls").is_some()) {
        let why = "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']";
        broken("spec.listeners", "array", why, causes);
    }
    let place = |listener: &Value| ["port", "protocol", "hostname"].map(|field| listener[field].to_string());
    let places: BTreeSet<[String; 3]> = listeners.iter().map(|listener| place(listener)).collect();
    if places.len() < listeners.len() {
        let why = "Combination of port, protocol and hostname must be unique for each listener";
        broken("spec.listeners", "array", why, causes);
    }
    for (index, listener) in listeners.iter().enumerate() {
        let Some(tls) = listener.get("tls") else { continue };
        let empty = |field: &str| match tls.get(field) {
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(fields)) => fields.is_empty(),
            _ => true,
        };
        if tls["mode"] == "Terminate" && empty("certificateRefs") && empty("options") {
            let why = "certificateRefs or options must be specified when mode is Terminate";
            broken(&format!("spec.listeners[{index}].tls"), "object", why, causes);
        }
    }
    for (index, address) in list(spec, "addresses") {
        let value = address["value"].as_str().unwrap_or_default();
        if address["type"] == "IPAddress" && !value.is_empty() && value.parse::<std::net::IpAddr>().is_err() {
            let field = format!("spec.addresses[{index}].value");
            broken(&field, value, &format!("{field} in body must be of type ipv4: {value:?}"), causes);
        }
    }
}

fn route(object: &Value, causes: &mut Vec<Cause>) {
    for (index, rule) in list(&object["spec"], "rules") {
        let here = format!("spec.rules[{index}]");
        let redirects = list(rule, "filters").any(|(_, filter)| filter["type"] == "RequestRedirect");
        if redirects && list(rule, "backendRefs").next().is_some() {
            broken(
                &here,
                "object",
                "RequestRedirect filter must not be used together with backendRefs",
                causes,
            );
        }
        for (index, backend) in list(rule, "backendRefs") {
            if backend["kind"] == "Service" && backend["group"] == "" && backend.get("port").is_none() {
                let field = format!("{here}.backendRefs[{index}]");
                broken(&field, "object", "Must have port for Service reference", causes);
            }
        }
        for (index, one) in list(rule, "matches") {
            let (kind, value) = (&one["path"]["type"], one["path"]["value"].as_str().unwrap_or_default());
            if (kind == "Exact" || kind == "PathPrefix") && !value.starts_with('/') {
                let field = format!("{here}.matches[{index}].path");
                let why = "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']";
                broken(&field, "object", why, causes);
            }
        }
    }
}

fn health_check(object: &Value, causes: &mut Vec<Cause>) {
    let default = &object["spec"]["default"];
    let seconds = |field: &str| default[field].as_i64();
    let why = match (seconds("timeoutSec"), seconds("checkIntervalSec")) {
        (Some(timeout), Some(interval)) if timeout > interval => "timeOutSec cannot exceed checkIntervalSec",
        (Some(timeout), None) if timeout > 5 => {
            "when checkIntervalSec is unspecified, timeOutSec cannot exceed 5, which is the default value of \
             checkIntervalSec"
        }
        (None, Some(interval)) if interval < 5 => {
            "when timeoutSec is unspecified, checkIntervalSec must be at least 5, which is the default value of \
             timeoutSec"
        }
        _ => "",
    };
    if !why.is_empty() {
        broken("spec.default", "object", why, causes);
    }
    let config = &default["config"];
    let part = match config["type"].as_str().unwrap_or_default() {
        "TCP" => "tcpHealthCheck",
        "HTTP" => "httpHealthCheck",
        "HTTPS" => "httpsHealthCheck",
        "HTTP2" => "http2HealthCheck",
        _ => "grpcHealthCheck",
    };
    let Some(check) = config.get(part) else {
        if let Some(kind) = config["type"].as_str() {
            let why = format!("{part} must be specified for type {kind}");
            broken("spec.default.config", "object", &why, causes);
        }
        return;
    };
    port(check, &format!("spec.default.config.{part}"), causes);
}

/// The rules read the field without asking whether it is there, so leaving it out is an error too.
fn port(check: &Value, field: &str, causes: &mut Vec<Cause>) {
    let fixed = "for portSpecification being USE_FIXED_PORT, port must be set and portName must be unset";
    let named = "for portSpecification being USE_NAMED_PORT, port must be unset and portName must be set";
    let serving =
        "port and portName must be unset for portSpecification being USE_SERVING_PORT (which is the default)";
    let (port, name) = (check.get("port").is_some(), check.get("portName").is_some());
    let kind = check["portSpecification"].as_str();
    if kind.is_none() {
        for rule in [fixed, named] {
            broken(
                field,
                "object",
                &format!("no such key: portSpecification evaluating rule: {rule}"),
                causes,
            );
        }
    }
    let why = match kind {
        Some("USE_FIXED_PORT") if !port || name => fixed,
        Some("USE_NAMED_PORT") if port || !name => named,
        None | Some("USE_SERVING_PORT") if port || name => serving,
        _ => return,
    };
    broken(field, "object", why, causes);
}
