//! Objects, through the same client the reconciler uses.

use google_cloud_auth::credentials::anonymous;
use google_cloud_storage::client::Storage;
use serde_json::json;

use super::*;

async fn client(world: &World) -> Storage {
    Storage::builder()
        .with_endpoint(world.server.url())
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .expect("a client")
}

async fn bucket(world: &World, body: Value) {
    world.post(&format!("storage/v1/b?project={PROJECT}"), body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_writes_reads_and_loses_a_race() {
    let world = world();
    bucket(&world, json!({"name": "data"})).await;
    let client = client(&world).await;
    let name = "projects/_/buckets/data";
    let first =
        client.write_object(name, "a/b.json", "one").set_if_generation_match(0_i64).send_buffered().await;
    let first = first.expect("created");
    let again =
        client.write_object(name, "a/b.json", "two").set_if_generation_match(0_i64).send_buffered().await;
    assert_eq!(again.expect_err("refused").http_status_code(), Some(412));
    let swap = client.write_object(name, "a/b.json", "two").set_if_generation_match(first.generation);
    let second = swap.send_unbuffered().await.expect("swapped");
    assert!(second.generation > first.generation);
    let mut response = client.read_object(name, "a/b.json").send().await.expect("read");
    assert_eq!(response.object().generation, second.generation);
    let mut content = Vec::new();
    while let Some(chunk) = response.next().await.transpose().expect("a chunk") {
        content.extend_from_slice(&chunk);
    }
    assert_eq!(content, b"two");
    let missing = client.read_object(name, "none").send().await;
    assert_eq!(missing.map(|_| ()).expect_err("missing").http_status_code(), Some(404));
    assert!(world.server.unimplemented().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_goes_up_in_chunks() {
    let world = world();
    bucket(&world, json!({"name": "data"})).await;
    let client = client(&world).await;
    let bytes = bytes::Bytes::from(vec![7_u8; 3 << 20]);
    let write = client.write_object("projects/_/buckets/data", "large", bytes.clone());
    let object = write.with_resumable_upload_threshold(1_usize << 20).send_buffered().await.expect("written");
    assert_eq!(object.size, 3 << 20);
    let response =
        world.raw("GET", "storage/v1/b/data/o/large?alt=media", &[("range", "bytes=1-3")], b"").await;
    assert_eq!(response.status(), 206);
    assert_eq!(response.headers()["content-range"], "bytes 1-3/3145728");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_fold_at_the_delimiter_and_page() {
    let world = world();
    bucket(&world, json!({"name": "data"})).await;
    for name in ["a", "b/1", "b/2", "c"] {
        let name = name.replace('/', "%2F");
        world
            .raw("POST", &format!("upload/storage/v1/b/data/o?uploadType=media&name={name}"), &[], b"x")
            .await;
    }
    let all = world.get("storage.googleapis.com/storage/v1/b/data/o?delimiter=/").await;
    let names: Vec<&str> =
        all["items"].as_array().expect("items").iter().filter_map(|o| o["name"].as_str()).collect();
    assert_eq!((names, &all["prefixes"]), (vec!["a", "c"], &json!(["b/"])));
    let page = world.get("storage/v1/b/data/o?prefix=b/&maxResults=1").await;
    assert_eq!(page["items"][0]["name"], "b/1");
    let token = page["nextPageToken"].as_str().expect("more");
    let page = world.get(&format!("storage/v1/b/data/o?prefix=b/&maxResults=1&pageToken={token}")).await;
    assert_eq!(page["items"][0]["name"], "b/2");
    assert_eq!(world.call("DELETE", "storage/v1/b/data", None).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_versioned_bucket_keeps_what_was_overwritten() {
    let world = world();
    bucket(&world, json!({"name": "data", "versioning": {"enabled": true}})).await;
    let upload = "upload/storage/v1/b/data/o?uploadType=media&name=x";
    let first: Value = world.raw("POST", upload, &[], b"one").await.json().await.expect("an object");
    world.raw("POST", upload, &[], b"two").await;
    let generation = first["generation"].as_str().expect("text");
    let old =
        world.text("GET", &format!("storage/v1/b/data/o/x?alt=media&generation={generation}"), None).await;
    assert_eq!(old, (200, "one".into()));
    assert_eq!(
        world.get("storage/v1/b/data/o?versions=true").await["items"].as_array().map(Vec::len),
        Some(2)
    );
    let unchanged = world.get("storage/v1/b/data/o/x").await["generation"].as_str().expect("text").to_owned();
    let path = format!("storage/v1/b/data/o/x?ifGenerationNotMatch={unchanged}");
    assert_eq!(world.call("GET", &path, None).await.0, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_policy_is_stale_after_any_change_of_the_bucket() {
    let world = world();
    bucket(&world, json!({"name": "data"})).await;
    let mut policy = world.get("storage/v1/b/data/iam").await;
    let patched = world.call("PATCH", "storage/v1/b/data", Some(json!({"labels": {"a": "b"}}))).await.1;
    assert_eq!(patched["metageneration"], "2");
    assert_eq!(world.call("PUT", "storage/v1/b/data/iam", Some(policy.clone())).await.0, 412);
    policy["etag"] = patched["etag"].clone();
    policy["bindings"] = json!([{"role": "roles/storage.objectUser", "members": ["user:Me@Example.com"]}]);
    let (status, answer) = world.call("PUT", "storage/v1/b/data/iam", Some(policy)).await;
    assert_eq!((status, &answer["bindings"][0]["members"][0]), (200, &json!("user:me@example.com")));
    let stale = world.call("PATCH", "storage/v1/b/data?ifMetagenerationMatch=1", Some(json!({}))).await;
    assert_eq!((stale.0, reason(&stale.1)), (412, "conditionNotMet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_an_object_and_keeps_its_generation_over_a_restart() {
    let (specs, kept) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    let start = || {
        with(|options| {
            options.specs_dir = Some(specs.path().into());
            options.persist = Some(kept.path().join("world.json"));
        })
    };
    std::fs::write(specs.path().join("demo.yaml"), "a: 1").expect("written");
    std::fs::write(specs.path().join(".demo.yaml.swp"), "x").expect("written");
    let first = start();
    let seen = first.get("storage/v1/b/specs/o").await;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1));
    let generation = seen["items"][0]["generation"].clone();
    // Saved again with the same content, and saved by renaming another file over it.
    std::fs::write(specs.path().join("demo.yaml"), "a: 1").expect("written");
    assert_eq!(first.get("storage/v1/b/specs/o/demo.yaml").await["generation"], generation);
    std::fs::write(specs.path().join("demo.yaml~"), "a: 2").expect("written");
    std::fs::rename(specs.path().join("demo.yaml~"), specs.path().join("demo.yaml")).expect("renamed");
    let changed = first.get("storage/v1/b/specs/o/demo.yaml").await["generation"].clone();
    assert_ne!(changed, generation);
    drop(first);
    let second = start();
    assert_eq!(second.get("storage/v1/b/specs/o/demo.yaml").await["generation"], changed);
    std::fs::remove_file(specs.path().join("demo.yaml")).expect("removed");
    assert_eq!(second.text("GET", "storage/v1/b/specs/o/demo.yaml?alt=media", None).await.0, 404);
    let written = second
        .raw("POST", "upload/storage/v1/b/specs/o?uploadType=media&name=n%2Fnew.yaml", &[], b"b: 1")
        .await;
    assert_eq!(written.status(), 200);
    assert_eq!(std::fs::read_to_string(specs.path().join("n/new.yaml")).expect("a file"), "b: 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_cannot_leave_the_directory() {
    let specs = tempfile::tempdir().expect("dir");
    let world = with(|options| options.specs_dir = Some(specs.path().join("inside")));
    let upload = "upload/storage/v1/b/specs/o?uploadType=media&name=..%2Foutside";
    assert_eq!(world.raw("POST", upload, &[], b"x").await.status(), 400);
    assert!(!specs.path().join("outside").exists());
}
