//! GKE Autopilot's changes to the resources that pods ask for.
//!
//! Autopilot raises requests to what it can schedule, in the workload object itself, and notes input and
//! output in an annotation. Compared naively, our own value would differ for ever.

use serde_json::{Map, Value};

/// Where Autopilot notes what it changed (seen on real clusters; the format is not documented).
const ANNOTATION: &str = "autopilot.gke.io/resource-adjustment";

/// The object with the resources that were asked for, where Autopilot changed them; `None` when it did
/// not.
pub fn undo(seen: &Value) -> Option<Value> {
    let note = seen.pointer("/metadata/annotations")?.get(ANNOTATION)?.as_str()?;
    let note: Value = serde_json::from_str(note).ok()?;
    let mut asked = seen.clone();
    for list in ["containers", "initContainers"] {
        let input = note.pointer("/input")?.get(list).and_then(Value::as_array);
        let output = note.pointer("/output").and_then(|output| output.get(list)).and_then(Value::as_array);
        let stored = asked.pointer_mut("/spec/template/spec").and_then(|pod| pod.get_mut(list));
        if let (Some(input), Some(output), Some(Value::Array(stored))) = (input, output, stored) {
            stored.iter_mut().for_each(|container| restore(container, input, output));
        }
    }
    Some(asked)
}

/// Puts one container's input back, if it still has what Autopilot made of it. Otherwise somebody
/// changed it afterwards, and that is a difference.
fn restore(container: &mut Value, input: &[Value], output: &[Value]) {
    let name = container.get("name").cloned();
    let of = |list: &[Value]| list.iter().find(|entry| entry.get("name") == name.as_ref()).cloned();
    let (Some(input), Some(output)) = (of(input), of(output)) else { return };
    let Some(Value::Object(resources)) = container.get_mut("resources") else { return };
    for part in ["limits", "requests"] {
        let untouched = output.get(part).is_none_or(|output| holds(resources.get(part), output));
        if untouched && let Some(Value::Object(asked)) = input.get(part) {
            let entry = resources.entry(part).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(entry) = entry {
                entry.extend(asked.clone());
            }
        }
    }
}

fn holds(stored: Option<&Value>, output: &Value) -> bool {
    let (Some(Value::Object(stored)), Value::Object(output)) = (stored, output) else { return false };
    output.iter().all(|(name, amount)| match (stored.get(name).and_then(Value::as_str), amount.as_str()) {
        (Some(stored), Some(amount)) => super::quantity::same(stored, amount),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(cpu: &str) -> Value {
        let note = json!({"modified": true,
            "input": {"containers": [{"name": "web", "requests": {"cpu": "200m"}}]},
            "output": {"containers": [{"name": "web", "requests": {"cpu": "250m", "memory": "512Mi"}}]}});
        json!({"metadata": {"annotations": {ANNOTATION: note.to_string()}},
            "spec": {"template": {"spec": {"containers": [
                {"name": "web", "resources": {"requests": {"cpu": cpu, "memory": "512Mi"}}}]}}}})
    }

    const CPU: &str = "/spec/template/spec/containers/0/resources/requests/cpu";

    #[test]
    fn what_was_asked_for_is_put_back() {
        let asked = undo(&seen("250m")).unwrap();
        assert_eq!(asked.pointer(CPU), Some(&json!("200m")));
    }

    #[test]
    fn a_later_change_by_somebody_stays_visible() {
        let asked = undo(&seen("4")).unwrap();
        assert_eq!(asked.pointer(CPU), Some(&json!("4")));
    }

    #[test]
    fn an_object_without_the_note_is_as_it_is() {
        assert!(undo(&json!({"metadata": {"annotations": {}}})).is_none());
    }
}
