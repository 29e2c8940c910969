//! What workloads do by themselves.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, LogParams};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_deployment_becomes_available_after_its_rollout() {
    let world = World::new();
    world.apply("one", deployment(json!([{"name": "api", "image": "a:1"}]))).await.expect("applied");
    let early = world.server.get("Deployment", NS, "api").expect("there");
    assert_eq!(early["status"]["observedGeneration"], 1);
    assert_eq!(condition(&early, "Available")["status"], "False");
    world.pass(45);
    let done = world.server.get("Deployment", NS, "api").expect("there");
    assert_eq!(condition(&done, "Available")["status"], "True");
    assert_eq!(condition(&done, "Progressing")["reason"], "NewReplicaSetAvailable");
    // The next rollout goes on while the old pods serve.
    world.apply("one", deployment(json!([{"name": "api", "image": "a:2"}]))).await.expect("applied");
    let again = world.server.get("Deployment", NS, "api").expect("there");
    assert_eq!(again["status"]["observedGeneration"], 2);
    assert_eq!(condition(&again, "Available")["status"], "True");
    assert_eq!(condition(&again, "Progressing")["reason"], "ReplicaSetUpdated");
}

#[tokio::test]
async fn a_stuck_deployment_runs_into_its_deadline() {
    let world = World::new();
    world.server.faults().never_available("api");
    world.apply("one", deployment(json!([{"name": "api", "image": "a:1"}]))).await.expect("applied");
    world.pass(600);
    let stuck = world.server.get("Deployment", NS, "api").expect("there");
    assert_eq!(condition(&stuck, "Progressing")["reason"], "ProgressDeadlineExceeded");
    assert_eq!(condition(&stuck, "Available")["status"], "False");
}

#[tokio::test]
async fn a_job_runs_a_pod_and_takes_it_along_when_it_is_deleted() {
    let world = World::new();
    world.server.set_log("migrate", "one\ntwo\nthree\n");
    world.server.set_termination_message("migrate", "head=abc");
    world.apply("one", job("migrate")).await.expect("applied");
    assert_eq!(world.server.get("Job", NS, "migrate").expect("there")["status"]["active"], 1);
    world.pass(30);
    let done = world.server.get("Job", NS, "migrate").expect("there");
    assert_eq!(condition(&done, "Complete")["status"], "True");
    assert_eq!(done["status"]["succeeded"], 1);
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), NS);
    let found = pods
        .list(&ListParams::default().labels("batch.kubernetes.io/job-name=migrate"))
        .await
        .expect("listed");
    let pod = serde_json::to_value(&found.items[0]).expect("JSON");
    let terminated = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&terminated["exitCode"], &terminated["message"]), (&json!(0), &json!("head=abc")));
    let name = pod["metadata"]["name"].as_str().expect("a name");
    let tail = LogParams { tail_lines: Some(2), ..LogParams::default() };
    assert_eq!(pods.logs(name, &tail).await.expect("a log"), "two\nthree\n");
    world.api("Job").delete("migrate", &DeleteParams::background()).await.expect("deleted");
    assert!(world.server.list("Pod", NS).is_empty());
}

#[tokio::test]
async fn a_job_meets_its_fault_once_and_succeeds_when_it_is_made_again() {
    let world = World::new();
    world.server.faults().fail_jobs_times("migrate", "no such table\n", "exit 3", 1);
    world.apply("one", job("migrate-1")).await.expect("applied");
    world.pass(30);
    let failed = world.server.get("Job", NS, "migrate-1").expect("there");
    assert_eq!(condition(&failed, "Failed")["reason"], "BackoffLimitExceeded");
    assert_eq!(failed["status"]["failed"], 1);
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), NS);
    let name = pods
        .list(&ListParams::default())
        .await
        .expect("listed")
        .items
        .remove(0)
        .metadata
        .name
        .expect("named");
    assert_eq!(pods.logs(&name, &LogParams::default()).await.expect("a log"), "no such table\n");
    world.api("Job").delete("migrate-1", &DeleteParams::background()).await.expect("deleted");
    world.apply("one", job("migrate-1")).await.expect("applied");
    world.pass(30);
    let done = world.server.get("Job", NS, "migrate-1").expect("there");
    assert_eq!(condition(&done, "Complete")["status"], "True");
}

#[tokio::test]
async fn a_job_that_is_too_slow_fails_and_an_old_one_is_removed() {
    let world = World::new();
    let mut slow = job("slow");
    slow["spec"]["activeDeadlineSeconds"] = 10.into();
    slow["spec"]["ttlSecondsAfterFinished"] = 100.into();
    world.apply("one", slow).await.expect("applied");
    world.pass(10);
    let failed = world.server.get("Job", NS, "slow").expect("there");
    assert_eq!(condition(&failed, "Failed")["reason"], "DeadlineExceeded");
    world.pass(100);
    assert!(world.server.get("Job", NS, "slow").is_none());
    assert!(world.server.list("Pod", NS).is_empty());
}

#[tokio::test]
async fn a_stateful_set_claims_its_volumes() {
    let world = World::new();
    let document = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "weaviate"}, "spec": {
        "serviceName": "weaviate", "selector": {"matchLabels": {"app": "w"}},
        "template": {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "w", "image": "w:1"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}}}}]}});
    world.apply("one", document).await.expect("applied");
    let claim = world.server.get("PersistentVolumeClaim", NS, "data-weaviate-0").expect("claimed");
    assert_eq!(claim["status"]["phase"], "Bound");
    world.pass(45);
    let set = world.server.get("StatefulSet", NS, "weaviate").expect("there");
    assert_eq!((&set["status"]["readyReplicas"], &set["status"]["updatedReplicas"]), (&json!(1), &json!(1)));
    world
        .api("PersistentVolumeClaim")
        .delete("data-weaviate-0", &DeleteParams::default())
        .await
        .expect("deleted");
}
