//! Builds: read to know whether a message about one is true, and where a digest comes from.
//!
//! Whoever may publish to a topic can say that a build succeeded, and whoever may push can push. What a build of a
//! named trigger really pushed is in the build itself (`results.images`), and only for images that are listed under
//! `images:` in its configuration (Cloud Build v1).

use serde_json::Value;

use crate::plan::{Body, GoogleRequest, Method};

use super::Digests;

const HOST: &str = "cloudbuild.googleapis.com";
/// Builds are listed newest first, and one that made what a tag points at now is among the newest.
const NEWEST: &str = "100";

/// A trigger's full name: `projects/P/locations/L/triggers/ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger<'a> {
    /// Its project and location.
    pub parent: &'a str,
    /// Its id, which Google draws.
    pub id: &'a str,
}

impl<'a> Trigger<'a> {
    /// Takes a full name apart.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (parent, id) = name.split_once("/triggers/")?;
        let parts: Vec<&str> = parent.split('/').collect();
        let fits = matches!(parts[..], ["projects", project, "locations", location]
            if !project.is_empty() && !location.is_empty());
        (fits && !id.is_empty() && !id.contains('/')).then_some(Self { parent, id })
    }
}

/// Reads one build; an empty location is the global one. `None` for what is no name of a build: both come out of a
/// message that anybody may have written, and become part of a path.
pub fn read(project: &str, location: &str, build: &str) -> Option<GoogleRequest> {
    let location = if location.is_empty() { "global" } else { location };
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let method = "cloudbuild.projects.locations.builds.get";
    let path = format!("v1/projects/{project}/locations/{location}/builds/{build}");
    (plain(location) && plain(build)).then(|| request(method, path, Vec::new()))
}

/// Lists the newest successful builds of a trigger.
pub fn list(trigger: &Trigger<'_>) -> GoogleRequest {
    let filter = format!("trigger_id=\"{}\" AND status=\"SUCCESS\"", trigger.id);
    let query = vec![("filter", filter), ("pageSize", NEWEST.to_owned())];
    request("cloudbuild.projects.locations.builds.list", format!("v1/{}/builds", trigger.parent), query)
}

fn request(method_id: &'static str, path: String, query: Vec<(&'static str, String)>) -> GoogleRequest {
    GoogleRequest { method: Method::Get, host: HOST, path, query, body: Body::Empty, method_id }
}

/// Whether a build succeeded.
pub fn succeeded(build: &Value) -> bool {
    build.get("status").and_then(Value::as_str) == Some("SUCCESS")
}

/// Whether each digest of a release that is not running yet was pushed by a successful build of a trigger.
pub fn made(trigger: &Trigger<'_>, builds: &[Value], release: &Digests, current: &Digests) -> bool {
    let of_trigger = |build: &&Value| {
        succeeded(build) && build.get("buildTriggerId").and_then(Value::as_str) == Some(trigger.id)
    };
    let pushed = |digest: &str| {
        let images = |build: &Value| build.pointer("/results/images").and_then(Value::as_array).cloned();
        builds
            .iter()
            .filter(of_trigger)
            .flat_map(|build| images(build).unwrap_or_default())
            .any(|image| image.get("digest").and_then(Value::as_str) == Some(digest))
    };
    release
        .iter()
        .filter(|(reference, digest)| current.get(*reference) != Some(*digest))
        .all(|(_, digest)| pushed(digest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_successful_build_of_the_trigger_counts() {
        let trigger = Trigger::parse("projects/p/locations/l/triggers/t").unwrap();
        let digests = |digest: &str| Digests::from([("r:1".to_owned(), digest.to_owned())]);
        let build = |status: &str, trigger: &str| {
            json!({"status": status, "buildTriggerId": trigger,
                   "results": {"images": [{"name": "r:1", "digest": "sha256:new"}]}})
        };
        let made = |build: Value| made(&trigger, &[build], &digests("sha256:new"), &digests("sha256:old"));
        assert!(made(build("SUCCESS", "t")));
        assert!(!made(build("FAILURE", "t")) && !made(build("SUCCESS", "other")));
        assert!(!made(json!({"status": "SUCCESS", "buildTriggerId": "t"})), "a build that pushed as a step");
    }

    #[test]
    fn a_message_cannot_lead_to_another_path() {
        assert!(
            read("p", "", "a1-b2").is_some_and(|call| call.path.ends_with("/locations/global/builds/a1-b2"))
        );
        for (location, build) in [("..", "b"), ("l", "../x"), ("l", ""), ("a/b", "c"), ("l", "b?x=1")] {
            assert!(read("p", location, build).is_none(), "{location} {build}");
        }
    }

    #[test]
    fn a_trigger_is_named_in_full() {
        assert!(Trigger::parse("projects/p/locations/l/triggers/t").is_some());
        for name in ["t", "projects/p/triggers/t", "projects/p/locations/l/triggers/t/x"] {
            assert_eq!(Trigger::parse(name), None, "{name}");
        }
    }
}
