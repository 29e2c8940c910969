//! What the server itself puts into objects when they are created: addresses, selectors, first states.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::store::{World, field, uid};

/// Completes a new object.
pub fn on_create(kind: &Kind, object: &mut Value, world: &World) {
    match kind.kind {
        "Namespace" => {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"] = json!({"phase": "Active"});
        }
        "Job" => job(object),
        "Pod" => {
            let containers = object["spec"]["containers"].as_array();
            let asks = containers.into_iter().flatten().any(|one| one["resources"].get("requests").is_some());
            let class = if asks { "Burstable" } else { "BestEffort" };
            object["status"] = json!({"phase": "Pending", "qosClass": class});
        }
        "PersistentVolumeClaim" => object["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]),
        "Service" => service(object, world),
        _ => {}
    }
}

/// Completes a changed object with what the server set on the old one and a writer may leave out.
pub fn on_update(kind: &Kind, old: &Value, new: &mut Value, world: &World) {
    match kind.kind {
        "Service" => {
            if old["spec"]["type"] != "ExternalName" && new["spec"]["type"] != "ExternalName" {
                for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                    keep(old, new, field);
                }
            }
            keep_node_ports(old, new);
            service(new, world);
        }
        "PersistentVolumeClaim" => {
            ["volumeName", "storageClassName"].iter().for_each(|field| keep(old, new, field))
        }
        "Namespace" => keep(old, new, "finalizers"),
        "Pod" => keep(old, new, "nodeName"),
        _ => {}
    }
}

fn keep(old: &Value, new: &mut Value, field: &str) {
    let missing = new["spec"].get(field).is_none_or(|value| value.is_null() || value == "");
    if let (true, Some(value)) = (missing, old["spec"].get(field)) {
        new["spec"][field] = value.clone();
    }
}

fn keep_node_ports(old: &Value, new: &mut Value) {
    if !needs_node_ports(new) {
        return;
    }
    let known = old["spec"]["ports"].as_array().cloned().unwrap_or_default();
    for port in new["spec"]["ports"].as_array_mut().into_iter().flatten() {
        let same =
            known.iter().find(|other| other["port"] == port["port"] && other["protocol"] == port["protocol"]);
        if let (None, Some(number)) = (port.get("nodePort"), same.and_then(|other| other.get("nodePort"))) {
            port["nodePort"] = number.clone();
        }
    }
}

fn needs_node_ports(service: &Value) -> bool {
    let spec = &service["spec"];
    spec["type"] == "NodePort"
        || (spec["type"] == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false)
}

fn job(object: &mut Value) {
    let (id, name) = (uid(object).to_owned(), field(object, "name").to_owned());
    if object["spec"]["manualSelector"] != true {
        let labels = &mut object["spec"]["template"]["metadata"]["labels"];
        for (label, value) in [
            ("batch.kubernetes.io/controller-uid", &id),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &id),
            ("job-name", &name),
        ] {
            labels[label] = value.as_str().into();
        }
        object["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": id}});
    }
    if object["metadata"].get("labels").is_none() {
        object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"].clone();
    }
}

fn service(object: &mut Value, world: &World) {
    let node_ports = needs_node_ports(object);
    let spec = &mut object["spec"];
    if spec["type"] != "ExternalName" {
        let number = free_number(world);
        if spec.get("clusterIP").is_none_or(|address| address.is_null() || address == "") {
            spec["clusterIP"] = format!("10.96.{}.{}", number / 250, 1 + number % 250).into();
        }
        let address = spec["clusterIP"].clone();
        default(spec, "clusterIPs", json!([address]));
        default(spec, "ipFamilies", json!(["IPv4"]));
        default(spec, "ipFamilyPolicy", json!("SingleStack"));
        if node_ports {
            for (index, port) in spec["ports"].as_array_mut().into_iter().flatten().enumerate() {
                default(port, "nodePort", json!(30000 + (number + index) % 2768));
            }
        }
    }
}

fn default(object: &mut Value, name: &str, value: Value) {
    if object.get(name).is_none() {
        object[name] = value;
    }
}

/// A number no service has got yet, from the version of the world: the same in every run that does the same.
fn free_number(world: &World) -> usize {
    usize::try_from(world.version()).unwrap_or_default() % 60_000
}
