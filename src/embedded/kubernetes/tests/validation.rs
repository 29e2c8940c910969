//! What is refused, and what is filled in.

use kube::api::{Patch, PatchParams, PostParams, ValidationDirective};
use serde_json::json;

use super::*;

fn object(document: Value) -> DynamicObject {
    serde_json::from_value(document).expect("an object")
}

#[tokio::test]
async fn strict_writes_refuse_unknown_fields_and_others_drop_them() {
    let world = World::new();
    let mut document = deployment(json!([{"name": "api", "image": "a:1"}]));
    document["spec"]["x"] = 1.into();
    let strict = PostParams { field_manager: None, dry_run: false };
    let made = world.api("Deployment").create(&strict, &object(document.clone())).await.expect("made");
    assert!(made.data["spec"].get("x").is_none());
    let strict =
        PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::default() };
    let error =
        world.api("Deployment").patch("api", &strict, &Patch::Merge(document)).await.expect_err("refused");
    let (code, _, message) = refusal(&error);
    assert_eq!(code, 400);
    assert!(message.ends_with("strict decoding error: unknown field \"spec.x\""), "{message}");
}

#[tokio::test]
async fn a_jobs_template_cannot_be_changed() {
    let world = World::new();
    world.apply("one", job("migrate")).await.expect("applied");
    let mut other = job("migrate");
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "dify-api:2.0".into();
    let error = world.apply("one", other).await.expect_err("refused");
    let (code, reason, message) = refusal(&error);
    assert_eq!((code, reason.as_str()), (422, "Invalid"));
    assert!(message.contains("spec.template") && message.ends_with("field is immutable"), "{message}");
}

#[tokio::test]
async fn selectors_and_claims_keep_what_they_are() {
    let world = World::new();
    world.apply("one", deployment(json!([{"name": "api", "image": "a:1"}]))).await.expect("applied");
    let mut other = deployment(json!([{"name": "api", "image": "a:1"}]));
    other["spec"]["selector"]["matchLabels"]["app"] = "b".into();
    other["spec"]["template"]["metadata"]["labels"]["app"] = "b".into();
    assert_eq!(refusal(&world.apply("one", other).await.expect_err("refused")).0, 422);
    let claim = |size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}})
    };
    world.apply("one", claim("1Gi")).await.expect("applied");
    world.apply("one", claim("2048Mi")).await.expect("a bound claim grows");
    assert_eq!(refusal(&world.apply("one", claim("1Gi")).await.expect_err("refused")).0, 422);
}

#[tokio::test]
async fn defaults_and_canonical_quantities_are_filled_in() {
    let world = World::new();
    let container = json!([{"name": "api", "image": "a:1", "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": "1000m", "memory": "2048Mi"}}}]);
    let stored = world.apply("one", deployment(container)).await.expect("applied");
    let spec = &stored["spec"];
    assert_eq!((&spec["replicas"], &spec["progressDeadlineSeconds"]), (&json!(1), &json!(600)));
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"], json!({"cpu": "1", "memory": "2Gi"}));
    assert_eq!(container["ports"][0]["protocol"], "TCP");
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    let owned = &stored["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"];
    assert!(owned.get("f:replicas").is_none(), "nobody owns a default");
}

#[tokio::test]
async fn names_and_missing_fields_are_refused() {
    let world = World::new();
    let error = world.apply("one", map("A_b", json!({}))).await.expect_err("refused");
    assert_eq!(refusal(&error).1, "Invalid");
    let error = world.apply("one", deployment(json!([{"name": "api"}]))).await.expect_err("refused");
    assert!(refusal(&error).2.ends_with("spec.template.spec.containers[0].image: Required value"));
    let mut policy = json!({"apiVersion": "networking.gke.io/v1", "kind": "HealthCheckPolicy",
        "metadata": {"name": "p"}, "spec": {"default": {"config": {"type": "HTTPX"}}}});
    policy["spec"]["targetRef"] = json!({"group": "", "kind": "Service", "name": "api"});
    let error = world.apply("one", policy).await.expect_err("refused");
    assert!(refusal(&error).2.contains("spec.default.config.type: Unsupported value: \"HTTPX\""));
}

#[tokio::test]
async fn the_rules_of_the_published_crds_hold() {
    let world = World::new();
    let check = |config: Value| {
        json!({"apiVersion": "networking.gke.io/v1", "kind": "HealthCheckPolicy", "metadata": {"name": "p"}, "spec": {
            "default": {"config": {"type": "HTTP", "httpHealthCheck": config}},
            "targetRef": {"group": "", "kind": "Service", "name": "api"}}})
    };
    let error = world
        .apply("one", check(json!({"requestPath": "/health", "port": 5001})))
        .await
        .expect_err("refused");
    assert!(refusal(&error).2.contains("no such key: portSpecification"));
    let good = json!({"requestPath": "/health", "port": 5001, "portSpecification": "USE_FIXED_PORT"});
    world.apply("one", check(good)).await.expect("applied");
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"},
        "spec": {"rules": [{"backendRefs": [{"name": "api"}]}]}});
    let error = world.apply("one", route).await.expect_err("refused");
    assert!(refusal(&error).2.ends_with("Must have port for Service reference"));
}

#[tokio::test]
async fn what_is_empty_and_may_be_left_out_is_not_kept() {
    let world = World::new();
    let container = json!([{"name": "api", "image": "a:1", "args": [], "env": [{"name": "A", "value": ""}],
        "readinessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": 0}}]);
    let stored = world.apply("one", deployment(container)).await.expect("applied");
    let container = &stored["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "A"}]));
    assert!(container.get("args").is_none());
    assert!(container["readinessProbe"].get("initialDelaySeconds").is_none());
}
