//! Instances: their disks, interfaces and setters.

use serde_json::{Value, json};

use super::{SERVICE, addresses, fetch, guest, labels, path_of};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::{self, COMPUTE_LINK};
use crate::embedded::google::store::{Effect, stable_number, text};

/// Fills in what the service decides, makes boot disks and attaches the others.
pub fn prepare(cx: &mut Cx, document: &mut Value, target: &str) -> Result<(), ApiError> {
    for field in ["metadata", "tags"] {
        if document.get(field).is_none() {
            document[field] = json!({});
        }
        document[field]["fingerprint"] = json!(cx.world.next_etag());
    }
    document["fingerprint"] = json!(cx.world.next_etag());
    if document.get("deletionProtection").is_none() {
        document["deletionProtection"] = json!(false);
    }
    interfaces(cx, document)?;
    disks(cx, document, target)
}

fn interfaces(cx: &Cx, document: &mut Value) -> Result<(), ApiError> {
    let mut interfaces = document["networkInterfaces"].as_array().cloned().unwrap_or_default();
    if interfaces.is_empty() {
        return Err(ApiError::invalid(
            "Invalid value for field 'resource.networkInterfaces': ''. At least one network interface is \
             required.",
        ));
    }
    for (at, interface) in interfaces.iter_mut().enumerate() {
        let subnet = text(interface, "subnetwork").to_owned();
        if !subnet.is_empty() {
            let found = fetch(cx, path_of(&subnet))?;
            interface["network"] = found["network"].clone();
            interface["subnetwork"] = found["selfLink"].clone();
            if text(interface, "networkIP").is_empty() {
                interface["networkIP"] = json!(addresses::free(cx, text(&found, "ipCidrRange"))?.to_string());
            }
        }
        interface["name"] = json!(format!("nic{at}"));
        for config in interface["accessConfigs"].as_array_mut().into_iter().flatten() {
            if config.get("natIP").is_none() {
                config["natIP"] = json!(addresses::free(cx, "203.0.113.0/24")?.to_string());
            }
        }
    }
    document["networkInterfaces"] = json!(interfaces);
    Ok(())
}

fn disks(cx: &mut Cx, document: &mut Value, target: &str) -> Result<(), ApiError> {
    let (scope, name) = target.split_once("/instances/").unwrap_or((target, ""));
    let mut disks = document["disks"].as_array().cloned().unwrap_or_default();
    for (at, disk) in disks.iter_mut().enumerate() {
        let source = text(disk, "source").to_owned();
        let path =
            if source.is_empty() { boot_disk(cx, disk, scope, name) } else { path_of(&source).to_owned() };
        let held = fetch(cx, &path)?;
        if held["users"].as_array().is_some_and(|users| !users.is_empty())
            && disk["mode"] != json!("READ_ONLY")
        {
            let message = format!("The disk resource '{path}' is already being used by another instance");
            return Err(ApiError::new(400, "FAILED_PRECONDITION", "resourceInUseByAnotherResource", message));
        }
        disk["source"] = json!(format!("{COMPUTE_LINK}/{path}"));
        disk["index"] = json!(at);
        disk["kind"] = json!("compute#attachedDisk");
        if disk.get("mode").is_none() {
            disk["mode"] = json!("READ_WRITE");
        }
        if let Some(fields) = disk.as_object_mut() {
            fields.remove("initializeParams");
        }
        let users = json!({"users": [format!("{COMPUTE_LINK}/{target}")]});
        cx.world.apply(Effect::Merge(format!("{SERVICE}/{path}"), users));
    }
    document["disks"] = json!(disks);
    Ok(())
}

/// Makes the disk that `initializeParams` asks for; answers its path.
fn boot_disk(cx: &mut Cx, disk: &Value, scope: &str, instance: &str) -> String {
    let wanted = &disk["initializeParams"];
    let name = Some(text(wanted, "diskName")).filter(|name| !name.is_empty()).unwrap_or(instance);
    let path = format!("{scope}/disks/{name}");
    let size = wanted["diskSizeGb"].as_str().map(str::to_owned).unwrap_or_else(|| "10".into());
    let kind = Some(text(wanted, "diskType")).filter(|kind| !kind.is_empty()).unwrap_or("pd-standard");
    let document = json!({
        "kind": "compute#disk", "id": stable_number(&path), "name": name, "sizeGb": size, "status": "READY",
        "type": kind, "sourceImage": wanted["sourceImage"], "zone": format!("{COMPUTE_LINK}/{scope}"),
        "selfLink": format!("{COMPUTE_LINK}/{path}"), "creationTimestamp": cx.stamp(),
        "labelFingerprint": cx.world.next_etag(),
    });
    cx.world.put(format!("{SERVICE}/{path}"), document);
    path
}

/// What deleting an instance does to its disks: gone with it, or free again.
pub fn release(_: &Cx, instance: &Value) -> Vec<Effect> {
    let disks = instance["disks"].as_array().cloned().unwrap_or_default();
    let release = |disk: &Value| {
        let key = format!("{SERVICE}/{}", path_of(text(disk, "source")));
        if disk["autoDelete"] == json!(true) {
            Effect::Remove(key)
        } else {
            Effect::Merge(key, json!({"users": null}))
        }
    };
    disks.iter().map(release).collect()
}

/// The custom methods.
pub fn action(cx: &mut Cx, target: &str, action: &str) -> Option<Result<Value, ApiError>> {
    Some(match action {
        "setTags" => labels::set_fingerprinted(cx, target, "tags", action),
        "setMetadata" => labels::set_fingerprinted(cx, target, "metadata", action).inspect(|_| {
            if let Ok(instance) = fetch(cx, target) {
                guest::look(cx, target, &instance);
            }
        }),
        "getGuestAttributes" => guest::attributes(cx, target),
        "start" => state(cx, target, action, "STAGING", "RUNNING"),
        "stop" => state(cx, target, action, "STOPPING", "TERMINATED"),
        "reset" => state(cx, target, action, "RUNNING", "RUNNING"),
        "setMachineType" => set_stopped(cx, target, action, &["machineType"]),
        "setServiceAccount" => set_stopped(cx, target, action, &["email", "scopes"]),
        "attachDisk" => attach(cx, target),
        _ => return None,
    })
}

fn state(cx: &mut Cx, target: &str, action: &str, during: &str, after: &str) -> Result<Value, ApiError> {
    fetch(cx, target)?;
    let key = format!("{SERVICE}/{target}");
    cx.world.apply(Effect::Merge(key.clone(), json!({"status": during})));
    Ok(operation::compute(cx, target, action, vec![Effect::Merge(key, json!({"status": after}))]))
}

/// What can be changed only while the instance is stopped.
fn set_stopped(cx: &mut Cx, target: &str, action: &str, fields: &[&str]) -> Result<Value, ApiError> {
    let instance = fetch(cx, target)?;
    if text(&instance, "status") != "TERMINATED" {
        let message = format!("The instance must be stopped before {action}.");
        return Err(ApiError::new(400, "FAILED_PRECONDITION", "operationNotSupported", message));
    }
    let body = cx.call.json()?;
    let patch = if fields.contains(&"email") { json!({"serviceAccounts": [body]}) } else { body };
    Ok(operation::compute(cx, target, action, vec![Effect::Merge(format!("{SERVICE}/{target}"), patch)]))
}

fn attach(cx: &mut Cx, target: &str) -> Result<Value, ApiError> {
    let mut instance = fetch(cx, target)?;
    let mut disk = cx.call.json()?;
    let path = path_of(text(&disk, "source")).to_owned();
    fetch(cx, &path)?;
    disk["kind"] = json!("compute#attachedDisk");
    if let Some(disks) = instance["disks"].as_array_mut() {
        disks.push(disk);
    }
    let users = json!({"users": [format!("{COMPUTE_LINK}/{target}")]});
    let effects = vec![
        Effect::Put(format!("{SERVICE}/{target}"), instance),
        Effect::Merge(format!("{SERVICE}/{path}"), users),
    ];
    Ok(operation::compute(cx, target, "attachDisk", effects))
}
