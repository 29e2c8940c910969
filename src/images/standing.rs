//! How a release stands in the cluster, read from the workloads that run it.

use serde_json::Value;

use crate::inventory::Inventory;
use crate::resources::kubernetes::{Kind, driver};
use crate::resources::mirror::{self, Mirror};
use crate::resources::{Kind as AnyKind, Readiness, ResourceId};

use super::Digests;

/// How a release stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything that should run it does, and is ready.
    Healthy,
    /// Not yet; whether some workload has it already.
    OnItsWay {
        /// Some workload has been written with it.
        started: bool,
    },
    /// It will not get there; the text says why.
    Failed(String),
}

/// The digest that runs under a reference. Several during a rollout; then the first workload's counts, which is the
/// API's own, for names go by their length.
pub fn running(seen: &Inventory, mirror: &Mirror, reference: &str) -> Option<String> {
    let mut carriers: Vec<(&ResourceId, String)> =
        [Kind::Deployment, Kind::StatefulSet, Kind::CronJob, Kind::Job]
            .into_iter()
            .flat_map(|kind| seen.of_kind(AnyKind::Kubernetes(kind)))
            .flat_map(|(id, body)| images(body).into_iter().map(move |image| (id, image)))
            .filter_map(|(id, image)| {
                let digest = mirror.digest(reference, &image)?.to_owned();
                Some((id, digest))
            })
            .collect();
    let rank = |id: &ResourceId| match id.kind {
        AnyKind::Kubernetes(Kind::Deployment | Kind::StatefulSet) => 0,
        AnyKind::Kubernetes(Kind::CronJob) => 1,
        _ => 2,
    };
    carriers.sort_by_key(|(id, _)| (rank(id), id.short_name().len()));
    carriers.into_iter().next().map(|(_, digest)| digest)
}

/// The tag under which the API's own workload runs an image of a repository.
pub fn running_tag(seen: &Inventory, mirror: &Mirror, repository: &str) -> Option<String> {
    let mut carriers: Vec<(usize, String)> = [Kind::Deployment, Kind::StatefulSet]
        .into_iter()
        .flat_map(|kind| seen.of_kind(AnyKind::Kubernetes(kind)))
        .flat_map(|(id, body)| images(body).into_iter().map(move |image| (id.short_name().len(), image)))
        .filter_map(|(rank, image)| {
            let tag = mirror::source_tag(&image)
                .filter(|_| image.contains('@') && mirror.is_of(repository, &image))?;
            Some((rank, tag.to_owned()))
        })
        .collect();
    carriers.sort();
    carriers.into_iter().next().map(|(_, tag)| tag)
}

/// How a release stands.
pub fn standing(seen: &Inventory, mirror: &Mirror, release: &Digests) -> Standing {
    if let Some(reason) = failed_job(seen, mirror, release) {
        return Standing::Failed(reason);
    }
    let workloads: Vec<(&ResourceId, &Value, Kind)> = [Kind::Deployment, Kind::StatefulSet]
        .into_iter()
        .flat_map(|kind| seen.of_kind(AnyKind::Kubernetes(kind)).map(move |(id, body)| (id, body, kind)))
        .collect();
    let (mut all, mut started, mut served) = (true, false, Vec::new());
    for (id, body, kind) in workloads {
        for image in images(body) {
            let entry = release.iter().find(|(reference, _)| mirror.is_of(reference, &image));
            let Some((reference, digest)) = entry else { continue };
            if mirror.digest(reference, &image) != Some(digest) {
                all = false;
                continue;
            }
            started = true;
            served.push(reference);
            match driver::readiness(kind, body) {
                Readiness::Ready => {}
                Readiness::NotYet(_) => all = false,
                Readiness::Failed(why) => return Standing::Failed(format!("{}: {why}", id.short_name())),
            }
        }
    }
    if all && release.keys().all(|reference| served.contains(&reference)) {
        Standing::Healthy
    } else {
        Standing::OnItsWay { started }
    }
}

/// A Job of the release that failed: the schema could not be brought to it.
fn failed_job(seen: &Inventory, mirror: &Mirror, release: &Digests) -> Option<String> {
    let carries = |body: &Value| {
        images(body).iter().any(|image| {
            release.iter().any(|(reference, digest)| mirror.digest(reference, image) == Some(digest))
        })
    };
    // A run of a user's cron job says nothing about the release.
    let scheduled = |body: &Value| {
        let owners = body.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.is_some_and(|owners| owners.iter().any(|owner| owner["kind"] == "CronJob"))
    };
    let all = seen.of_kind(AnyKind::Kubernetes(Kind::Job));
    let mut jobs = all.filter(|(_, body)| carries(body) && !scheduled(body));
    jobs.find_map(|(id, body)| {
        let Readiness::Failed(why) = driver::readiness(Kind::Job, body) else { return None };
        let tail = seen.log_tails.get(id).map(|tail| format!("\nThe end of its log:\n{tail}"));
        Some(format!("{}: {why}{}", id.short_name(), tail.unwrap_or_default()))
    })
}

/// A reference without tag and digest.
pub fn repository(image: &str) -> &str {
    mirror::split(image).0
}

/// Every image of a workload's pods.
fn images(body: &Value) -> Vec<String> {
    let template = body.pointer("/spec/jobTemplate/spec/template").or_else(|| body.pointer("/spec/template"));
    let Some(pod) = template.and_then(|template| template.get("spec")) else { return Vec::new() };
    ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pod.get(list)?.as_array())
        .flatten()
        .filter_map(|container| container.get("image")?.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_may_have_a_port() {
        assert_eq!(repository("host:5000/a/b:1@sha256:0"), "host:5000/a/b");
        assert_eq!(repository("host:5000/a/b"), "host:5000/a/b");
    }
}
