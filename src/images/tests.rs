//! The course of images, told as stories of looks.

use serde_json::{Value, json};

use super::*;
use crate::inventory::Sighting;
use crate::resources::ResourceId;
use crate::resources::kubernetes::Kind;
use crate::state::orders::{Approval, Pause};

const API: &str = "langgenius/dify-api:1.17.1";
const WEB: &str = "langgenius/dify-web:1.17.1";

/// A deployment over many looks: its record, and what the next look will see.
struct Story {
    spec: Spec,
    asked: String,
    names: Names,
    seen: Inventory,
    record: Record,
}

impl Story {
    fn begins(policy: Value) -> Self {
        let image_policy = serde_json::from_value(policy).unwrap();
        // Copying has stories of its own, below.
        let spec = Spec { image_policy, enable_image_mirroring: false, ..Spec::default() };
        let names = Names::new("prod", &spec, "0a1b2c3d");
        let mut seen = Inventory::begun(Timestamp::UNIX_EPOCH, Default::default());
        seen.cluster_reachable = true;
        let asked = spec.application_version.clone();
        let mut story = Self { spec, asked, names, seen, record: Record::default() };
        story.tags("a", "w");
        story
    }

    /// The tags of the release point here; everything else has one digest for ever.
    fn tags(&mut self, api: &str, web: &str) {
        for reference in images::references(&self.spec) {
            let digest = match reference.as_str() {
                API => api,
                WEB => web,
                _ => "same",
            };
            self.seen.registry.insert(reference, format!("sha256:{digest}"));
        }
    }

    fn later(&mut self, secs: i64) {
        self.seen.at = self.seen.at.map(|at| at + jiff::SignedDuration::from_secs(secs));
    }

    /// The workloads run what the last verdict said, and are ready or not.
    fn runs(&mut self, available: i64) {
        for (name, reference) in [("app", API), ("app-worker", API), ("app-web", WEB)] {
            let image = format!("{reference}@{}", self.record.digests[reference]);
            self.workload(name, &image, available);
        }
    }

    fn workload(&mut self, name: &str, image: &str, available: i64) {
        let body = json!({
            "metadata": {"name": name, "generation": 1},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": image}]}}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
                       "availableReplicas": available},
        });
        self.seen.note(ResourceId::kubernetes(Kind::Deployment, "ns", name), Sighting::Present(body));
    }

    fn look(&mut self) -> Verdict {
        let verdict = judge(&Known {
            spec: &self.spec,
            asked: &self.asked,
            names: &self.names,
            seen: &self.seen,
            record: &self.record,
        });
        self.record = verdict.record.clone();
        verdict
    }

    /// Runs in health, as it was found first.
    fn healthy(policy: Value) -> Self {
        let mut story = Self::begins(policy);
        story.look();
        story.runs(1);
        story.look();
        story
    }
}

#[test]
fn what_was_found_first_stays_and_a_second_look_changes_nothing() {
    let mut story = Story::healthy(json!({}));
    story.tags("b", "w");
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(!verdict.changed && verdict.waits.is_empty() && verdict.findings.is_empty());
}

#[test]
fn nothing_is_kept_before_the_cluster_could_be_looked_at() {
    let mut story = Story::begins(json!({}));
    story.seen.cluster_reachable = false;
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(!verdict.changed);
}

#[test]
fn when_the_record_is_lost_the_apis_own_workload_decides() {
    let mut story = Story::begins(json!({}));
    story.workload("app", &format!("{API}@sha256:running"), 1);
    story.workload("app-worker", &format!("{API}@sha256:other"), 1);
    assert_eq!(story.look().digests[API], "sha256:running");
}

#[test]
fn an_image_that_somebody_set_by_hand_is_drift() {
    let mut story = Story::healthy(json!({}));
    story.workload("app", &format!("{API}@sha256:by-hand"), 1);
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(!verdict.changed);
}

#[test]
fn another_reference_in_the_spec_is_resolved_anew_and_has_no_past() {
    let mut story = Story::healthy(json!({"mode": "follow"}));
    story.spec.application_version = "1.17.0".into();
    for name in ["api", "web"] {
        let reference = format!("langgenius/dify-{name}:1.17.0");
        story.seen.registry.insert(reference, "sha256:older".into());
    }
    let verdict = story.look();
    assert_eq!(verdict.digests["langgenius/dify-api:1.17.0"], "sha256:older");
    assert!(!verdict.digests.contains_key(API));
    assert!(verdict.record.healthy.is_empty() && verdict.record.rollout.is_none());
}

#[test]
fn a_rollout_may_take_its_time_and_no_more() {
    let mut story = Story::healthy(json!({"mode": "follow"}));
    story.tags("b", "w");
    assert_eq!(story.look().digests[API], "sha256:b");
    // A migration, or a pause, may take hours before any workload is written.
    story.later(7200);
    assert_eq!(story.look().digests[API], "sha256:b");
    story.runs(0);
    story.look();
    story.later(i64::from(story.spec.deployment_timeout));
    assert_eq!(story.look().digests[API], "sha256:b");
    story.later(1);
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(verdict.findings[0].message.contains("were not ready 1800 seconds after"));
    assert!(verdict.findings[0].subject.as_deref().is_some_and(|subject| subject.contains("sha256:b")));
}

#[test]
fn a_failed_release_is_told_until_the_tag_moves_on_and_never_tried_again() {
    let mut story = Story::healthy(json!({"mode": "follow"}));
    story.tags("b", "w");
    story.look();
    story.runs(0);
    story.look();
    story.later(4000);
    story.look();
    story.runs(1);
    for _ in 0..3 {
        story.later(4000);
        let verdict = story.look();
        assert_eq!((verdict.digests[API].as_str(), verdict.findings.len()), ("sha256:a", 1));
    }
    assert!(!story.look().changed);
    story.tags("a", "w");
    assert!(story.look().findings.is_empty(), "the tag was moved back");
    story.tags("b", "w");
    assert_eq!(story.look().digests[API], "sha256:a", "and to the failed one again");
    story.tags("c", "w");
    assert_eq!(story.look().digests[API], "sha256:c");
}

#[test]
fn without_a_healthy_release_there_is_nothing_to_go_back_to() {
    let mut story = Story::begins(json!({"mode": "follow"}));
    story.look();
    story.runs(0);
    story.look();
    story.later(9000);
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(verdict.record.failed.is_empty());
}

#[test]
fn the_soak_begins_anew_when_either_image_changes() {
    let mut story = Story::healthy(json!({"mode": "follow", "soak_secs": 100}));
    story.tags("b", "w");
    assert_eq!(story.look().waits[0].kind, crate::resources::WaitKind::Time);
    story.later(90);
    story.tags("b", "x");
    story.look();
    story.later(90);
    assert_eq!(story.look().digests[API], "sha256:a");
    story.later(10);
    let verdict = story.look();
    assert_eq!((verdict.digests[API].as_str(), verdict.digests[WEB].as_str()), ("sha256:b", "sha256:x"));
}

#[test]
fn an_approval_is_of_one_change_of_one_deployment() {
    let mut story = Story::healthy(json!({"mode": "follow", "approval": "approve"}));
    story.tags("b", "w");
    let wanted = story.look().approval.unwrap();
    assert_eq!(story.look().approval.as_ref(), Some(&wanted), "the hash stays");
    story.names.deployment = "other".into();
    assert_ne!(story.look().approval.unwrap().hash, wanted.hash);
    story.names.deployment = "prod".into();
    let approval = Approval {
        hash: wanted.hash,
        covers: wanted.steps,
        generation: None,
        at: Timestamp::UNIX_EPOCH,
        by: "ann".into(),
    };
    story.seen.orders.approve(approval);
    story.tags("c", "w");
    assert_eq!(story.look().digests[API], "sha256:a", "something else was approved");
    story.tags("b", "w");
    assert_eq!(story.look().digests[API], "sha256:b");
}

#[test]
fn nothing_is_begun_while_the_workloads_pause() {
    let mut story = Story::healthy(json!({"mode": "follow"}));
    let at = Timestamp::UNIX_EPOCH;
    story.seen.orders.pause_for(Pause { slice: None, until: None, reason: "freeze".into(), at });
    story.tags("b", "w");
    assert_eq!(story.look().digests[API], "sha256:a");
    story.seen.orders.resume(None);
    assert_eq!(story.look().digests[API], "sha256:b");
}

#[test]
fn a_registry_that_is_away_changes_nothing() {
    let mut story = Story::healthy(json!({"mode": "follow"}));
    story.seen.registry.clear();
    let verdict = story.look();
    assert_eq!(verdict.digests[API], "sha256:a");
    assert!(!verdict.changed);
}

#[test]
fn only_what_the_deployment_does_not_know_yet_is_asked_for() {
    let story = Story::healthy(json!({}));
    assert_eq!(to_ask(&story.spec, &story.record), (vec![], vec![]));
    let story = Story::healthy(json!({"mode": "follow"}));
    assert_eq!(to_ask(&story.spec, &story.record), (vec![], vec![API.to_owned(), WEB.to_owned()]));
}

#[test]
fn along_a_range_the_release_moves_with_its_version_and_goes_back_with_it() {
    let mut story = Story::healthy(json!({"mode": "follow", "range": "~1.17.1"}));
    let (api, web) = ("langgenius/dify-api:1.17.2", "langgenius/dify-web:1.17.2");
    let release = Digests::from([(api.into(), "sha256:c".into()), (web.into(), "sha256:d".into())]);
    let found = range::Found { release: Some(release), lacking: vec![] };
    story.seen.sources.range = Some(Ok(found));
    let verdict = story.look();
    assert!(verdict.changed && verdict.moved);
    assert_eq!(verdict.record.version.as_deref(), Some("1.17.2"));
    assert_eq!(verdict.digests[API], "sha256:a", "this look still declares the release before");

    story.spec.application_version = "1.17.2".into();
    story.tags("a", "w");
    let verdict = story.look();
    assert_eq!((verdict.digests[api].as_str(), verdict.moved), ("sha256:c", false));
    story.workload("app", &format!("{api}@sha256:c"), 0);
    story.look();
    story.later(4000);
    let verdict = story.look();
    assert_eq!((verdict.record.version.as_deref(), verdict.moved), (Some("1.17.1"), true));

    story.spec.application_version = "1.17.1".into();
    story.runs(1);
    for _ in 0..2 {
        let verdict = story.look();
        assert_eq!((verdict.findings.len(), verdict.moved), (1, false), "{:#?}", verdict.findings);
    }
    assert!(!story.look().changed, "and it is not tried again");
}

#[test]
fn a_lost_record_does_not_take_a_release_back() {
    let mut story = Story::healthy(json!({"mode": "follow", "range": "~1.17.1"}));
    story.record = Record::default();
    story.workload("app", "langgenius/dify-api:1.17.4@sha256:e", 1);
    let verdict = story.look();
    assert_eq!((verdict.record.version.as_deref(), verdict.moved), (Some("1.17.4"), true));
}

/// A release that came while images are copied.
fn copied(policy: Value) -> Story {
    let mut story = Story::healthy(policy);
    story.spec.enable_image_mirroring = true;
    story.seen.mirror.copied = Some(Ok(Default::default()));
    story
}

#[test]
fn a_new_release_is_rolled_out_once_it_is_copied_and_nothing_waits_meanwhile() {
    let mut story = copied(json!({"mode": "follow"}));
    story.tags("b", "w");
    let waiting = story.look();
    assert_eq!(waiting.digests[API], "sha256:a", "what runs stays as it is");
    assert_eq!(waiting.incoming[API], "sha256:b");
    assert!(waiting.waits[0].why.contains("is being copied"), "{:?}", waiting.waits);

    let mirror =
        Mirror::of(&Context { spec: &story.spec, names: &story.names, generation: 0, seen: &story.seen });
    let place = |reference: &str, digest: &str| mirror.copy(reference, digest).unwrap().place();
    story.seen.mirror.copied = Some(Ok([place(API, "sha256:b"), place(WEB, "sha256:w")].into()));
    let there = story.look();
    assert_eq!(there.digests[API], "sha256:b");
    assert!(there.waits.is_empty() && there.incoming.is_empty());
}

#[test]
fn a_release_that_waits_for_somebody_is_not_copied_yet() {
    let mut story = copied(json!({"mode": "follow", "approval": "approve"}));
    story.tags("b", "w");
    let verdict = story.look();
    assert!(verdict.approval.is_some() && verdict.incoming.is_empty());
}

#[test]
fn what_runs_as_a_copy_is_known_again_when_the_record_is_lost() {
    let mut story = copied(json!({}));
    let mirror =
        Mirror::of(&Context { spec: &story.spec, names: &story.names, generation: 0, seen: &story.seen });
    story.record = Record::default();
    story.tags("moved", "w");
    story.workload("app", &mirror.image(API, "sha256:running"), 1);
    story.workload("app-worker", &mirror.image(API, "sha256:running"), 1);
    story.workload("app-web", &mirror.image(WEB, "sha256:w"), 1);
    assert_eq!(story.look().digests[API], "sha256:running");
    assert_eq!(story.look().record.healthy[0][API], "sha256:running", "and is told to be healthy");
}

#[test]
fn a_job_of_the_release_that_failed_takes_it_back_and_a_run_of_a_cron_job_does_not() {
    let failed = |owners: Value| {
        let mut story = Story::healthy(json!({"mode": "follow"}));
        story.tags("b", "w");
        story.look();
        let image = format!("{API}@sha256:b");
        let body = json!({"metadata": {"ownerReferences": owners},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
            "status": {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "message": "it failed"}]}});
        story.seen.note(ResourceId::kubernetes(Kind::Job, "ns", "job"), Sighting::Present(body));
        story.look().digests[API].clone()
    };
    assert_eq!(failed(json!([])), "sha256:a");
    assert_eq!(failed(json!([{"kind": "CronJob", "name": "nightly"}])), "sha256:b");
}
