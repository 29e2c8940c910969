//! Images, certificates, monitoring.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
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

/// A repository of Artifact Registry, and the path of a package in it with its query.
async fn repository(world: &World) -> impl Fn(&str) -> String {
    let parent = format!("artifactregistry.googleapis.com/v1/projects/{PROJECT}/locations/us-central1");
    world.post(&format!("{parent}/repositories?repositoryId=dify"), json!({"format": "DOCKER"})).await;
    |what: &str| {
        let separator = if what.contains('?') { '&' } else { '?' };
        format!("v2/{PROJECT}/dify/docker.io/a/b/{what}{separator}ns=us-central1-docker.pkg.dev")
    }
}

/// What a message says.
fn told(message: &Value) -> Value {
    let data = BASE64_STANDARD.decode(message["data"].as_str().expect("text")).expect("base64");
    serde_json::from_slice(&data).expect("JSON")
}

fn digest_of(content: &[u8]) -> String {
    use sha2::Digest;
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(content)))
}

/// Pushes a blob as a client does: opens an upload, then closes it with the content.
async fn push_blob(world: &World, path: &impl Fn(&str) -> String, content: &[u8]) -> u16 {
    let opened = world.raw("POST", &path("blobs/uploads/"), &[], b"").await;
    assert_eq!(opened.status(), 202);
    let location = opened.headers()["location"].to_str().expect("text").trim_start_matches('/').to_owned();
    let digest = digest_of(content).replace(':', "%3A");
    world.raw("PUT", &format!("{location}&digest={digest}"), &[], content).await.status().as_u16()
}

async fn code(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    (status, body["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pushed_from_its_blobs_to_its_manifest_and_listed() {
    let world = world();
    let path = repository(&world).await;
    let manifest = json!({"schemaVersion": 2, "config": {"digest": digest_of(b"config"), "size": 6},
                          "layers": [{"digest": digest_of(b"layer"), "size": 5}]})
    .to_string();
    let kind = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
    let early = world.raw("PUT", &path("manifests/v1"), &kind, manifest.as_bytes()).await;
    assert_eq!(code(early).await, (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    for blob in [&b"config"[..], b"layer"] {
        assert_eq!(push_blob(&world, &path, blob).await, 201);
    }
    let there = world.raw("HEAD", &path(&format!("blobs/{}", digest_of(b"layer"))), &[], b"").await;
    assert_eq!(there.status(), 200);
    let wrong =
        world.raw("PUT", &path(&format!("manifests/{}", digest_of(b"x"))), &kind, manifest.as_bytes()).await;
    assert_eq!(code(wrong).await, (400, "DIGEST_INVALID".to_owned()));
    let topic = format!("projects/{PROJECT}/topics/gcr");
    world.server.seed_topic(&topic);
    let put = world.raw("PUT", &path("manifests/v1"), &kind, manifest.as_bytes()).await;
    let digest = digest_of(manifest.as_bytes());
    let package = format!("us-central1-docker.pkg.dev/{PROJECT}/dify/docker.io/a/b");
    let told: Vec<Value> = world.server.messages(&topic).iter().map(told).collect();
    let happened =
        json!({"action": "INSERT", "digest": format!("{package}@{digest}"), "tag": format!("{package}:v1")});
    assert_eq!(told, [happened], "nothing is told of what was refused");
    assert_eq!(
        (put.status().as_u16(), put.headers()["docker-content-digest"].to_str().ok()),
        (201, Some(&*digest))
    );
    let read = world.raw("GET", &path("manifests/v1"), &[], b"").await.bytes().await.expect("a body");
    assert_eq!(read, manifest.as_bytes(), "byte for byte");

    let list = format!(
        "artifactregistry.googleapis.com/v1/projects/{PROJECT}/locations/us-central1/repositories/dify/dockerImages"
    );
    let images = world.get(&list).await["dockerImages"].clone();
    assert_eq!(images[0]["uri"], format!("us-central1-docker.pkg.dev/{PROJECT}/dify/docker.io/a/b@{digest}"));
    assert_eq!((&images[0]["tags"], &images[0]["imageSizeBytes"]), (&json!(["v1"]), &json!("11")));
    let name = images[0]["name"].as_str().expect("a name");
    assert_eq!(world.get(&format!("artifactregistry.googleapis.com/v1/{name}")).await, images[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_taken_in_one_piece_and_only_when_it_is_what_it_says() {
    let world = world();
    let path = repository(&world).await;
    let opened = world.raw("POST", &path("blobs/uploads/"), &[], b"").await;
    let location = opened.headers()["location"].to_str().expect("text").trim_start_matches('/').to_owned();
    assert_eq!(world.raw("PATCH", &location, &[], b"la").await.status(), 202);
    let chunk = world.raw("PATCH", &location, &[], b"yer").await;
    assert_eq!(code(chunk).await, (405, "UNSUPPORTED".to_owned()));
    let closing = format!("{location}&digest={}", digest_of(b"layer").replace(':', "%3A"));
    assert_eq!(code(world.raw("PUT", &closing, &[], b"!").await).await, (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(
        code(world.raw("PUT", &closing, &[], b"").await).await,
        (404, "BLOB_UPLOAD_UNKNOWN".to_owned())
    );

    assert_eq!(push_blob(&world, &path, b"layer").await, 201);
    let mount = |from: &str| {
        let query = format!("mount={}&from={PROJECT}/dify/{from}", digest_of(b"layer"));
        format!("v2/{PROJECT}/dify/docker.io/c/d/blobs/uploads/?{query}&ns=us-central1-docker.pkg.dev")
    };
    assert_eq!(world.raw("POST", &mount("docker.io/a/b"), &[], b"").await.status(), 201);
    assert_eq!(world.raw("POST", &mount("docker.io/no/body"), &[], b"").await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pushes_where_there_is_no_repository_or_to_the_world_outside() {
    let world = world();
    let nowhere = format!("v2/{PROJECT}/none/a/blobs/uploads/?ns=us-central1-docker.pkg.dev");
    assert_eq!(code(world.raw("POST", &nowhere, &[], b"").await).await, (404, "NAME_UNKNOWN".to_owned()));
    let bearer = [("authorization", "Bearer x")];
    let outside = world.raw("POST", "v2/langgenius/dify-api/blobs/uploads/", &bearer, b"").await;
    assert_eq!(code(outside).await, (403, "DENIED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tag_stands_for_is_whole() {
    let world = world();
    let index = world.server.seed_image("langgenius/dify-api", "1.17.1");
    let bearer = [("authorization", "Bearer x")];
    let get = async |what: String| {
        let found = world.raw("GET", &format!("v2/langgenius/dify-api/{what}"), &bearer, b"").await;
        found.bytes().await.expect("a body")
    };
    let body: Value = serde_json::from_slice(&get(format!("manifests/{index}")).await).expect("JSON");
    let image = body["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
    let body: Value = serde_json::from_slice(&get(format!("manifests/{image}")).await).expect("JSON");
    let blobs = body["layers"].as_array().expect("layers").iter().chain([&body["config"]]);
    for blob in blobs {
        let digest = blob["digest"].as_str().expect("a digest");
        let content = get(format!("blobs/{digest}")).await;
        assert_eq!(
            (digest_of(&content).as_str(), Some(content.len() as u64)),
            (digest, blob["size"].as_u64())
        );
    }
}
