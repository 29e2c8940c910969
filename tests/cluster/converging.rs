//! A deployment that has converged, and what happens to it afterwards.

use dify_reconciler::converge::execute::{self, Memory};
use dify_reconciler::plan::check;
use dify_reconciler::resources::kubernetes::Kind;
use serde_json::{Value, json};

use crate::clusters::Cluster;
use crate::stage::{MINIMAL, Stage};

pub async fn a_second_look_has_nothing_to_do_and_writes_nothing(cluster: Cluster) {
    let stage = Stage::converged(&cluster, "second-look", MINIMAL).await;
    let namespace = stage.namespace().await;
    let before = cluster.theirs.versions(&namespace).await;
    assert!(before.len() > 30, "a whole deployment: {before:#?}");

    let (_, _, plan) = stage.look().await;
    assert!(plan.steps.is_empty() && plan.is_converged(), "{plan:#?}");
    stage.settle().await;
    assert_eq!(before, cluster.theirs.versions(&namespace).await);

    stage.save(&format!("# the same again\n{MINIMAL}")).await;
    stage.settle().await;
    assert_eq!(
        before,
        cluster.theirs.versions(&namespace).await,
        "a spec that says the same changes nothing"
    );
}

pub async fn an_edit_of_ours_is_put_back_and_what_others_added_stays(cluster: Cluster) {
    let stage = Stage::converged(&cluster, "drift", MINIMAL).await;
    let image = "/spec/template/spec/containers/0/image";
    let web = stage.object(Kind::Deployment, "-web").await.expect("a web front end");
    let container =
        json!([{"name": web.pointer("/spec/template/spec/containers/0/name"), "image": "evil:1"}]);
    let edited = json!({"metadata": {"annotations": {"team": "them"}}, "spec": {"template": {"spec": {
        "containers": container}}}});
    stage.edit(Kind::Deployment, "-web", edited).await;
    stage.edit(Kind::HorizontalPodAutoscaler, "", json!({"spec": {"maxReplicas": 77}})).await;
    let (key, value) = ("LOG_LEVEL", json!("TRACE"));
    let map = stage.object(Kind::ConfigMap, "-api-env").await.expect("the API's variables");
    stage.edit(Kind::ConfigMap, "-api-env", json!({"data": {key: value, "THEIRS": "1"}})).await;
    stage.edit(Kind::Service, "-web", json!({"metadata": {"labels": {"team": "them"}}})).await;

    let (_, _, plan) = stage.look().await;
    let mut touched: Vec<String> = plan.steps.iter().map(|step| step.resource.kind.to_string()).collect();
    touched.sort();
    assert_eq!(touched, ["ConfigMap", "Deployment", "HorizontalPodAutoscaler"], "{plan:#?}");
    stage.settle().await;

    let after = stage.object(Kind::Deployment, "-web").await.expect("it is still there");
    assert_eq!(after.pointer(image), web.pointer(image));
    assert_eq!(after["metadata"]["annotations"]["team"], "them");
    let scaler = stage.object(Kind::HorizontalPodAutoscaler, "").await.expect("it is still there");
    assert_eq!(scaler["spec"]["maxReplicas"], 3);
    let again = stage.object(Kind::ConfigMap, "-api-env").await.expect("it is still there");
    assert_eq!(again["data"][key], map["data"][key]);
    assert_eq!(again["data"]["THEIRS"], "1");
    let service = stage.object(Kind::Service, "-web").await.expect("it is still there");
    assert_eq!(service["metadata"]["labels"]["team"], "them");
}

pub async fn a_variable_that_is_taken_back_goes_from_the_cluster(cluster: Cluster) {
    let variables = "environment_variables:\n  KEPT: one\n";
    let stage =
        Stage::converged(&cluster, "taken-back", &format!("{MINIMAL}{variables}  EXTRA: \"1\"\n")).await;
    stage.edit(Kind::ConfigMap, "-api-env", json!({"data": {"THEIRS": "1"}})).await;
    let map = stage.object(Kind::ConfigMap, "-api-env").await.expect("the API's variables");
    assert_eq!(map["data"]["EXTRA"], "1");

    stage.save(&format!("{MINIMAL}{variables}")).await;
    stage.settle().await;
    let mut expected = map["data"].clone();
    expected.as_object_mut().expect("a map").remove("EXTRA");
    let map = stage.object(Kind::ConfigMap, "-api-env").await.expect("the API's variables");
    assert_eq!(map["data"], expected);
}

pub async fn what_the_spec_no_longer_names_goes_and_what_is_not_ours_stays(cluster: Cluster) {
    let service = "additional_services:\n  - {name: cache, image: \"redis:7\", port: 6379}\n";
    let stage = Stage::converged(&cluster, "pruned", &format!("{MINIMAL}{service}")).await;
    let namespace = stage.namespace().await;
    let extra = [(Kind::Deployment, "-cache"), (Kind::Service, "-cache"), (Kind::ConfigMap, "-cache-env")];
    for (kind, suffix) in extra {
        assert!(stage.object(kind, suffix).await.is_some(), "{kind:?} {suffix}");
    }
    for body in strangers(&stage).await {
        cluster.theirs.create(Kind::ConfigMap, &namespace, body).await;
    }
    let before = cluster.theirs.versions(&namespace).await;

    stage.save(MINIMAL).await;
    stage.settle().await;
    let after = cluster.theirs.versions(&namespace).await;
    let mut gone: Vec<&str> =
        before.keys().filter(|name| !after.contains_key(*name)).map(String::as_str).collect();
    gone.retain(|name| !name.ends_with("-cache") && !name.ends_with("-cache-env"));
    assert_eq!(gone, Vec::<&str>::new(), "nothing else has gone");
    for (kind, suffix) in extra {
        assert!(stage.object(kind, suffix).await.is_none(), "{kind:?} {suffix} is still there");
    }
    for name in ["ConfigMap theirs", "ConfigMap look-alike", "ConfigMap made-by-another"] {
        assert_eq!(before[name], after[name], "{name} was touched");
    }
}

/// ConfigMaps of others: one without our labels, one with the deployment's but somebody else's mark, and one
/// with all of ours that another object made.
async fn strangers(stage: &Stage<'_>) -> [Value; 3] {
    let ours = stage.object(Kind::Service, "-web").await.expect("a Service")["metadata"]["labels"].clone();
    let mut theirs = ours.clone();
    theirs["app.kubernetes.io/managed-by"] = "Helm".into();
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "tidy", "controller": true,
        "uid": "0d2f9c1e-0000-4000-8000-000000000001"}]);
    let map = |name: &str, labels: &Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}});
    let mut made = map("made-by-another", &ours);
    made["metadata"]["ownerReferences"] = owner;
    [map("theirs", &json!({})), map("look-alike", &theirs), made]
}

pub async fn what_changed_after_the_look_is_not_overwritten(cluster: Cluster) {
    let stage = Stage::converged(&cluster, "late-edit", MINIMAL).await;
    stage.edit(Kind::HorizontalPodAutoscaler, "", json!({"spec": {"maxReplicas": 7}})).await;
    let mut memory = Memory::default();
    let (seen, plan) = stage.converger.look(&stage.scene().await, &mut memory).await;
    assert_eq!(plan.steps.len(), 1, "{plan:#?}");

    let later = stage.edit(Kind::HorizontalPodAutoscaler, "", json!({"spec": {"maxReplicas": 8}})).await;
    let checked = check::check(plan, &seen, &stage.work.writes()).expect("a sound plan");
    execute::execute(&stage.converger.cloud, checked, &mut memory).await;
    assert_eq!(
        stage.object(Kind::HorizontalPodAutoscaler, "").await,
        Some(later),
        "it was not as it was seen"
    );
    assert!(memory.findings().is_empty(), "that is no failure: {:#?}", memory.findings());

    stage.settle().await;
    let scaler = stage.object(Kind::HorizontalPodAutoscaler, "").await.expect("it is still there");
    assert_eq!(scaler["spec"]["maxReplicas"], 3, "the next look saw it");
}
