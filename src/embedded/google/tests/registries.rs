//! Images, certificates, monitoring.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_has_a_digest_for_whoever_brings_a_token() {
    let world = world();
    let digest = world.server.seed_image("langgenius/dify-api", "1.17.1");
    let path = "v2/langgenius/dify-api/manifests/1.17.1";
    let refused = world.raw("HEAD", path, &[], b"").await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().expect("text");
    assert!(challenge.contains("/token\"") && challenge.contains("repository:langgenius/dify-api:pull"));
    let token = world.get("token?service=x&scope=y").await["token"].as_str().expect("a token").to_owned();
    let bearer = format!("Bearer {token}");
    let found = world.raw("HEAD", path, &[("authorization", &bearer)], b"").await;
    assert_eq!(
        (found.status().as_u16(), found.headers()["docker-content-digest"].to_str().ok()),
        (200, Some(&*digest))
    );
    let by_digest = format!("registry/v2/langgenius/dify-api/manifests/{digest}");
    let body =
        world.raw("GET", &by_digest, &[("authorization", &bearer)], b"").await.bytes().await.expect("a body");
    use sha2::Digest;
    assert_eq!(format!("sha256:{}", hex::encode(sha2::Sha256::digest(&body))), digest);
    for (path, code) in [
        ("v2/langgenius/dify-api/manifests/no-such-thing", "MANIFEST_UNKNOWN"),
        ("v2/somebody/else/manifests/1.0", "NAME_UNKNOWN"),
    ] {
        let missing = world.raw("GET", path, &[("authorization", &bearer)], b"").await;
        assert_eq!(missing.status(), 404);
        assert_eq!(missing.json::<Value>().await.expect("JSON")["errors"][0]["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_listed_in_pages() {
    let world = world();
    for tag in ["1.17.2", "1.17.0", "1.17.1"] {
        world.server.seed_image("langgenius/dify-api", tag);
    }
    let token = [("authorization", "Bearer embedded")];
    let mut path = "v2/langgenius/dify-api/tags/list?n=2".to_owned();
    let mut found = Vec::new();
    loop {
        let page = world.raw("GET", &path, &token, b"").await;
        let link = page.headers().get("link").map(|link| link.to_str().expect("text").to_owned());
        found.push(page.json::<Value>().await.expect("JSON")["tags"].clone());
        let Some(link) = link else { break };
        let target = link.strip_suffix(">; rel=\"next\"").and_then(|link| link.strip_prefix("</"));
        path = target.expect("a link to the next page").to_owned();
    }
    assert_eq!(found, [json!(["1.17.0", "1.17.1"]), json!(["1.17.2"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_by_an_operation() {
    let world = with(|_| {});
    let parent = format!("artifactregistry.googleapis.com/v1/projects/{PROJECT}/locations/us-central1");
    let body = json!({"format": "DOCKER", "labels": {"a": "1"}});
    let operation = world.post(&format!("{parent}/repositories?repositoryId=dify"), body.clone()).await;
    assert_eq!(world.call("GET", &format!("{parent}/repositories/dify"), None).await.0, 404);
    assert_eq!(
        world.call("POST", &format!("{parent}/repositories?repositoryId=dify"), Some(body)).await.0,
        409
    );
    world.advance(10);
    let name = operation["name"].as_str().expect("a name");
    let done = world.get(&format!("artifactregistry.googleapis.com/v1/{name}")).await;
    assert_eq!((&done["done"], &done["response"]["format"]), (&json!(true), &json!("DOCKER")));
    let patch = json!({"cleanupPolicies": {"keep": {"id": "keep", "action": "KEEP"}}});
    let path = format!("{parent}/repositories/dify?updateMask=cleanupPolicies");
    assert_eq!(world.call("PATCH", &path, Some(patch)).await.1["cleanupPolicies"]["keep"]["action"], "KEEP");
    let key = json!({"kmsKeyName": "projects/x"});
    let refused =
        world.call("PATCH", &format!("{parent}/repositories/dify?updateMask=kmsKeyName"), Some(key)).await;
    assert_eq!(refused.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_waits_for_the_name_to_point_here() {
    let world = with(|_| {});
    let parent = format!("certificatemanager.googleapis.com/v1/projects/{PROJECT}/locations/global");
    let body = json!({"managed": {"domains": ["dify.example.com"]}});
    world.post(&format!("{parent}/certificates?certificateId=dify"), body).await;
    world.post(&format!("{parent}/certificateMaps?certificateMapId=map"), json!({})).await;
    let entry = json!({"hostname": "dify.example.com",
                       "certificates": [format!("projects/{PROJECT}/locations/global/certificates/dify")]});
    let entries = format!("{parent}/certificateMaps/map/certificateMapEntries");
    world.post(&format!("{entries}?certificateMapEntryId=dify"), entry).await;
    assert_eq!(world.get(&entries).await["certificateMapEntries"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        world.get(&format!("{parent}/certificateMaps")).await["certificateMaps"].as_array().map(Vec::len),
        Some(1)
    );
    world.advance(3600);
    let waiting = world.get(&format!("{parent}/certificates/dify")).await;
    assert_eq!(waiting["managed"]["state"], "PROVISIONING");
    assert_eq!(waiting["managed"]["authorizationAttemptInfo"][0]["failureReason"], "CONFIG");
    world.server.point_dns("dify.example.com");
    world.advance(899);
    assert_eq!(world.get(&format!("{parent}/certificates/dify")).await["managed"]["state"], "PROVISIONING");
    world.advance(1);
    assert_eq!(world.get(&format!("{parent}/certificates/dify")).await["managed"]["state"], "ACTIVE");
    let used = world.call("DELETE", &format!("{parent}/certificates/dify"), None).await;
    assert_eq!((used.0, used.1["error"]["status"].as_str()), (400, Some("FAILED_PRECONDITION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_alert_policy_is_a_second_one() {
    let world = world();
    let path = format!("monitoring.googleapis.com/v3/projects/{PROJECT}/alertPolicies");
    let body = json!({"displayName": "down", "combiner": "OR", "conditions": [{"displayName": "c"}],
                      "userLabels": {"key": "dify"}});
    let first = world.post(&path, body.clone()).await;
    let second = world.post(&path, body).await;
    assert_ne!(first["name"], second["name"]);
    let found = world.get(&format!("{path}?filter=user_labels.key%3D%22dify%22")).await;
    assert_eq!(found["alertPolicies"].as_array().map(Vec::len), Some(2));
    let name = first["name"].as_str().expect("a name");
    assert_eq!(world.call("DELETE", &format!("monitoring.googleapis.com/v3/{name}"), None).await.0, 200);
}
