//! Each rule holds when it should, and is quiet about what nobody looked at.

use serde_json::{Value, json};

use super::*;
use crate::condition::Severity;
use crate::inventory::{Inventory, Sighting};
use crate::resources::google::testing::{note, platform};
use crate::resources::google::{address, nfs, secret_version};
use crate::resources::{Names, ResourceId};
use crate::spec::Spec;

fn spec(values: &[(&str, Value)]) -> Spec {
    let mut spec = Spec { project_id: "p-1".into(), ..Spec::default() };
    for (name, value) in values {
        spec.set(name, value.clone()).expect("a variable").expect("a value");
    }
    spec
}

/// The ids of the rules that hold.
fn broken(spec: &Spec, seen: &Inventory) -> Vec<String> {
    let names = Names::new("demo", spec, "0a1b2c3d");
    let context = Context { spec, names: &names, generation: 1, seen };
    let found = findings(&context);
    assert!(found.iter().all(|finding| !finding.help.is_empty()), "{found:#?}");
    let id = |finding: &Finding| finding.message.rsplit('[').next().unwrap_or_default().replace(']', "");
    found.iter().map(id).collect()
}

fn listed(kind: Kind) -> Inventory {
    let mut seen = Inventory::default();
    seen.listed.insert((AnyKind::Google(kind), "projects/p-1".into()));
    seen
}

#[test]
fn every_rule_that_is_decided_while_converging_is_watched() {
    let ids: Vec<&str> =
        RULES.iter().filter(|rule| rule.decided == Decided::Runtime).map(|rule| rule.id).collect();
    assert_eq!(WATCHERS.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_platform_as_it_should_be_breaks_nothing_and_neither_does_one_that_nobody_looked_at() {
    assert_eq!(broken(&spec(&[]), &platform()), Vec::<String>::new());
    assert_eq!(broken(&spec(&[]), &Inventory::default()), Vec::<String>::new());
}

#[test]
fn no_network_and_several_are_two_rules() {
    assert_eq!(broken(&spec(&[]), &listed(Kind::Subnetwork)), ["V-35"]);
    assert_eq!(broken(&spec(&[("network_name", json!("other"))]), &platform()), ["V-35"]);
    let mut seen = platform();
    let subnet = json!({"network": "global/networks/second", "description": "managed-by=services-gcp"});
    note(&mut seen, Kind::Subnetwork, "projects/p-1/regions/us-central1/subnetworks/second", subnet);
    assert_eq!(broken(&spec(&[]), &seen), ["V-36"]);
    assert_eq!(broken(&spec(&[("network_name", json!("vpc"))]), &seen), Vec::<String>::new());
}

#[test]
fn a_named_secret_that_is_missing_or_disabled_is_found() {
    let env = spec(&[("secret_environment_variables", json!({"MAIL_KEY": "mail-key"}))]);
    let job = spec(&[(
        "cron_jobs",
        json!([{"name": "tidy", "schedule": "0 3 * * *", "args": ["x"],
                                           "secret_env_vars": {"K": "mail-key"}}]),
    )]);
    let id = secret_version::of("projects/p-1/secrets/mail-key");
    let states = [
        (Sighting::Absent, true),
        (
            Sighting::Unreadable(
                "Secret Version [projects/1/secrets/mail-key/versions/1] is in DISABLED state.".into(),
            ),
            true,
        ),
        (Sighting::Unreadable("timed out".into()), false),
        (Sighting::Present(json!({})), false),
    ];
    for (sighting, holds) in states {
        let mut seen = platform();
        seen.note(id.clone(), sighting.clone());
        for (spec, rule) in [(&env, "P-59"), (&job, "V-40")] {
            assert_eq!(broken(spec, &seen), if holds { vec![rule] } else { vec![] }, "{sighting:?}");
        }
    }
}

#[test]
fn a_job_that_redis_did_not_answer_says_so() {
    let spec = spec(&[("redis_host", json!("10.9.9.9"))]);
    let job = ResourceId::kubernetes(kubernetes::Kind::Job, "ns", "migrate");
    let ends = [
        ("waiting for Redis at 10.9.9.9:6379", true),
        ("Traceback\nredis.exceptions.ConnectionError: Error 111 connecting to 10.9.9.9:6379.\n", true),
        ("-WRONGPASS invalid username-password pair", true),
        ("waiting for Redis at 10.9.9.9:6379\nrunning\none\ntwo\ncolumn exists already", false),
    ];
    for (tail, holds) in ends {
        let mut seen = platform();
        seen.log_tails.insert(job.clone(), tail.into());
        assert_eq!(broken(&spec, &seen), if holds { vec!["P-02c"] } else { vec![] }, "{tail}");
    }
}

#[test]
fn a_redis_whose_vm_stands_still_does_not_answer() {
    let spec = spec(&[]);
    let names = Names::new("demo", &spec, "0a1b2c3d");
    for (status, holds) in [("TERMINATED", true), ("RUNNING", false), ("STAGING", false)] {
        let mut seen = platform();
        let id = nfs::instance(&Context { spec: &spec, names: &names, generation: 1, seen: &seen });
        seen.note(id, Sighting::Present(json!({"status": status})));
        assert_eq!(broken(&spec, &seen), if holds { vec!["P-02c"] } else { vec![] }, "{status}");
    }
}

#[test]
fn a_server_that_is_no_vm_has_no_redis() {
    let given = spec(&[("nfs_instance_name", json!("shared"))]);
    let names = Names::new("demo", &given, "0a1b2c3d");
    let mut seen = platform();
    let id = nfs::instance(&Context { spec: &given, names: &names, generation: 1, seen: &seen });
    seen.note(id, Sighting::Absent);
    assert_eq!(broken(&given, &seen), ["P-41"]);
    let elsewhere = spec(&[("nfs_instance_name", json!("shared")), ("redis_host", json!("10.9.9.9"))]);
    assert_eq!(broken(&elsewhere, &seen), Vec::<String>::new());
}

#[test]
fn a_domain_without_its_certificate_is_told_where_to_point() {
    let spec =
        spec(&[("enable_custom_domain", json!(true)), ("application_domains", json!(["dify.example.com"]))]);
    let names = Names::new("demo", &spec, "0a1b2c3d");
    for (state, holds) in [("PROVISIONING", true), ("FAILED", true), ("ACTIVE", false)] {
        let mut seen = platform();
        let context = Context { spec: &spec, names: &names, generation: 1, seen: &seen };
        let (id, front) = (certificate::id(&context, "dify.example.com"), address::front(&context));
        seen.note(
            id,
            Sighting::Present(json!({"managed": {"state": state, "domains": ["dify.example.com"]}})),
        );
        seen.note(front, Sighting::Present(json!({"address": "203.0.113.7"})));
        let context = Context { spec: &spec, names: &names, generation: 1, seen: &seen };
        let found = findings(&context);
        assert_eq!(found.len(), usize::from(holds), "{state}: {found:#?}");
        assert!(found.iter().all(|finding| finding.help.contains("203.0.113.7")));
    }
}

#[test]
fn a_stage_without_a_workload_cannot_be_served() {
    let spec = spec(&[("enable_cloud_deploy", json!(true)), ("gateway_backend_stage", json!("prod"))]);
    let names = Names::new("demo", &spec, "0a1b2c3d");
    let mut seen = platform();
    assert_eq!(broken(&spec, &seen), Vec::<String>::new(), "the cluster was not looked at");
    seen.cluster_reachable = true;
    assert_eq!(broken(&spec, &seen), ["P-57"]);
    let namespace = format!("{}-prod", names.namespace(&spec));
    let id = ResourceId::kubernetes(kubernetes::Kind::Deployment, &namespace, "web");
    seen.note(id, Sighting::Present(json!({})));
    assert_eq!(broken(&spec, &seen), Vec::<String>::new());
}

#[test]
fn where_the_planner_found_the_same_the_rule_says_it_better() {
    let found = |message: &str, severity, reason| Finding {
        reason,
        severity,
        slice: Slice::Secrets,
        subject: Some("Secret a".into()),
        message: message.into(),
        help: String::new(),
    };
    let mut findings = vec![found("not there", Severity::Error, Reason::NotFound)];
    merge(&mut findings, vec![found("why", Severity::Warning, Reason::NotFound)]);
    assert_eq!(findings, [found("why", Severity::Error, Reason::NotFound)]);
}
