//! What a Job's containers do outside of the cluster, where somebody plays that part.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::embedded::kubernetes::kinds;
use crate::embedded::kubernetes::settings::Container;
use crate::embedded::kubernetes::store::{Key, World};

/// Lets the containers of a Job do it, once, when they end. Answers what they say when it goes wrong.
pub fn run(world: &World, key: &Key, job: &Value, took: Duration) -> Result<(), String> {
    let Some(containers) = &world.settings.containers else { return Ok(()) };
    let all = job.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let all: Vec<Container> = all.into_iter().flatten().map(|one| container(world, key, one)).collect();
    containers(&all, took)
}

fn container(world: &World, job: &Key, container: &Value) -> Container {
    let name = container["name"].as_str().unwrap_or_default().to_owned();
    let mut environment = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let (Some(map), Some(kind)) = (source["configMapRef"]["name"].as_str(), kinds::by_name("ConfigMap"))
        else {
            continue;
        };
        let map = world.get(&Key::new(kind, &job.namespace, map));
        let data = map.and_then(|map| map["data"].as_object()).into_iter().flatten();
        environment.extend(data.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))));
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
            environment.insert(name.to_owned(), value.to_owned());
        }
    }
    Container { name, environment }
}
