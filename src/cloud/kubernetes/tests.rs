//! Tests of the API server's client against a small server.

use super::*;
use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};
use crate::error::Disposition;

async fn cluster(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Kubernetes, Server) {
    let server = Server::start(answer).await;
    let url = format!("{}clusters/c", server.url);
    let address = ClusterAddress { url, certificate_authority: None };
    (Kubernetes::at(&address, server.wire()).unwrap().with_patience(hurried()), server)
}

fn status(code: u16, reason: &str, message: &str) -> Reply {
    reply(code, json!({"kind": "Status", "code": code, "reason": reason, "message": message}))
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_its_items_know_their_kind() {
    let (cluster, server) = cluster(|number, _| {
        let more = if number == 0 { "c1" } else { "" };
        reply(
            200,
            json!({"metadata": {"continue": more}, "items": [{"metadata": {"name": number.to_string()}}]}),
        )
    })
    .await;
    let items = cluster.list(Kind::Deployment, "dify", "app=a,tier in (b)").await.unwrap().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "0"}}));
    let path = "/clusters/c/apis/apps/v1/namespaces/dify/deployments?limit=500";
    let selector = "labelSelector=app%3Da%2Ctier+in+%28b%29";
    assert_eq!(server.seen()[0].line, format!("GET {path}&{selector}"));
    assert_eq!(server.seen()[1].line, format!("GET {path}&{selector}&continue=c1"));
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_not_an_empty_list() {
    let (cluster, _server) = cluster(|_, _| reply(404, "404 page not found")).await;
    assert_eq!(cluster.list(Kind::GcpBackendPolicy, "dify", "").await, Ok(None));
    assert_eq!(cluster.get(Kind::Namespace, "", "dify").await, Ok(None));
}

#[tokio::test]
async fn apply_is_server_side_strict_forced_and_conditional() {
    let (cluster, server) = cluster(|_, _| reply(200, json!({"kind": "Namespace"}))).await;
    let document = Document::new(json!({"metadata": {"name": "dify"}}));
    cluster.apply(Kind::Namespace, "", "dify", &document, Some("42")).await.unwrap();
    cluster.dry_run(Kind::Namespace, "", "dify", &document, None).await.unwrap();
    let seen = server.seen();
    let line = "PATCH /clusters/c/api/v1/namespaces/dify?fieldManager=dify-reconciler&force=true&fieldValidation=Strict";
    assert_eq!(seen[0].line, line);
    assert_eq!(seen[0].header("content-type"), "application/apply-patch+yaml");
    let sent: Value = serde_json::from_str(&seen[0].body).unwrap();
    let metadata = json!({"name": "dify", "resourceVersion": "42"});
    assert_eq!(sent, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    assert_eq!(seen[1].line, format!("{line}&dryRun=All"));
    assert!(!seen[1].body.contains("resourceVersion"));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (code, reason, message, expected) in [
        (409, "Conflict", "the object has been modified", Disposition::Again),
        (
            403,
            "Forbidden",
            "admission webhook denied the request: GKE Warden rejected the request because",
            Disposition::Terminal,
        ),
        (422, "Invalid", "spec.selector: field is immutable", Disposition::Terminal),
    ] {
        let (cluster, server) = cluster(move |_, _| status(code, reason, message)).await;
        let document = Document::new(json!({}));
        let error = cluster.apply(Kind::Deployment, "dify", "api", &document, None).await.unwrap_err();
        assert_eq!(error.disposition(), expected, "{error}");
        assert_eq!(error.to_string(), format!("Deployment apply: {code}: {reason}: {message}"));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn what_an_api_server_quotes_of_a_secret_is_not_told() {
    let (cluster, _server) =
        cluster(|_, _| status(422, "Invalid", r#"data[a]: Invalid value: "hunter2": no"#)).await;
    let error = cluster.apply(Kind::Secret, "dify", "s", &Document::new(json!({})), None).await.unwrap_err();
    assert_eq!(error.message, r#"data[a]: Invalid value: "(sensitive)": no"#);
}

#[tokio::test]
async fn a_deletion_names_what_was_seen_and_is_done_when_it_is_gone() {
    let (cluster, server) = cluster(|number, _| match number {
        0 => reply(503, ""),
        1 => reply(200, "{}"),
        2 => status(404, "NotFound", "gone"),
        _ => status(409, "Conflict", "the uid is another"),
    })
    .await;
    let delete = || cluster.delete(Kind::Job, "dify", "migrate", "u1", "7");
    assert_eq!(delete().await, Ok(()));
    assert_eq!(delete().await, Ok(()));
    assert!(delete().await.unwrap_err().is_conflict());
    let sent: Value = serde_json::from_str(&server.seen()[1].body).unwrap();
    assert_eq!(sent["preconditions"], json!({"uid": "u1", "resourceVersion": "7"}));
    assert_eq!(sent["propagationPolicy"], "Background");
}

#[tokio::test]
async fn the_tail_of_a_failed_job_is_that_of_its_newest_pod_without_secrets() {
    let (cluster, server) = cluster(|number, _| {
        let failed = json!([{"name": "migrate", "state": {"terminated": {"exitCode": 1}}}]);
        let pod = |name: &str, at: &str| {
            let metadata = json!({"name": name, "creationTimestamp": at});
            json!({"metadata": metadata, "status": {"containerStatuses": failed}})
        };
        match number {
            0 => reply(
                200,
                json!({"items": [pod("new", "2026-02-01T00:00:00Z"), pod("old", "2026-01-01T00:00:00Z")]}),
            ),
            1 => reply(200, "cannot connect with password=hunter2\nexit\n"),
            _ => reply(200, json!({"items": []})),
        }
    })
    .await;
    let tail = cluster.pod_log_tail("dify", "migrate-1", 20).await.unwrap();
    assert_eq!(tail.as_deref(), Some("cannot connect with password=(sensitive)\nexit"));
    let pods = "GET /clusters/c/api/v1/namespaces/dify/pods";
    assert_eq!(server.seen()[0].line, format!("{pods}?labelSelector=job-name%3Dmigrate-1"));
    assert_eq!(server.seen()[1].line, format!("{pods}/new/log?container=migrate&tailLines=20"));
    assert_eq!(cluster.pod_log_tail("dify", "other", 20).await, Ok(None));
}

#[tokio::test]
async fn nobody_there_is_not_taken_for_no_answer() {
    let address = ClusterAddress { url: "http://127.0.0.1:1".into(), certificate_authority: None };
    let wire = Arc::new(Wire::default());
    let mut cluster = Kubernetes::at(&address, wire).unwrap().with_patience(hurried());
    cluster.wire = None;
    let error = cluster.get(Kind::Namespace, "", "dify").await.unwrap_err();
    assert_eq!(error.failure, Failure::Connect, "{error}");
}

#[test]
fn the_address_of_a_cluster_is_its_dns_name_when_that_is_open() {
    let mut cluster = json!({
        "endpoint": "10.0.0.2",
        "masterAuth": {"clusterCaCertificate": "Zm9v"},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"endpoint": "u.europe-west1.gke.goog", "allowExternalTraffic": true},
        },
    });
    let address = ClusterAddress::of(&cluster).unwrap();
    assert_eq!(address.url, "https://u.europe-west1.gke.goog");
    assert_eq!(address.certificate_authority, None);
    cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] = false.into();
    let address = ClusterAddress::of(&cluster).unwrap();
    assert_eq!(
        (address.url.as_str(), address.certificate_authority.as_deref()),
        ("https://10.0.0.2", Some("Zm9v"))
    );
    assert_eq!(ClusterAddress::of(&json!({"name": "c"})), None);
}
