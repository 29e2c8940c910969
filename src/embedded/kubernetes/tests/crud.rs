//! Objects: made, read, listed, replaced, deleted.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::discovery;
use serde_json::json;

use super::*;

fn typed(document: Value) -> ConfigMap {
    serde_json::from_value(document).expect("a ConfigMap")
}

#[tokio::test]
async fn discovery_finds_every_kind() {
    let world = World::new();
    let version = world.client.apiserver_version().await.expect("a version");
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "33"));
    for kind in kinds::KINDS {
        let of = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let (found, _) = discovery::pinned_kind(&world.client, &of).await.expect("found");
        assert_eq!(found.plural, kind.plural);
    }
}

#[tokio::test]
async fn an_object_is_made_once_and_found_again() {
    let world = World::new();
    let made =
        world.maps().create(&PostParams::default(), &typed(map("a", json!({"x": "1"})))).await.expect("made");
    assert!(made.metadata.uid.is_some() && made.metadata.creation_timestamp.is_some());
    let error =
        world.maps().create(&PostParams::default(), &typed(map("a", json!({})))).await.expect_err("there");
    assert_eq!(refusal(&error).1, "AlreadyExists");
    assert_eq!(world.maps().get("a").await.expect("found").data, made.data);
    assert!(world.maps().get_opt("b").await.expect("asked").is_none());
}

#[tokio::test]
async fn a_generated_name_is_new_every_time() {
    let world = World::new();
    let mut document = typed(map("", json!({})));
    document.metadata.name = None;
    document.metadata.generate_name = Some("job-".to_owned());
    let one = world.maps().create(&PostParams::default(), &document).await.expect("made");
    let other = world.maps().create(&PostParams::default(), &document).await.expect("made");
    assert_ne!(one.metadata.name, other.metadata.name);
}

#[tokio::test]
async fn an_update_of_an_old_version_is_refused() {
    let world = World::new();
    let made = world.maps().create(&PostParams::default(), &typed(map("a", json!({})))).await.expect("made");
    let mut mine = made.clone();
    mine.data = Some([("x".to_owned(), "1".to_owned())].into());
    world.maps().replace("a", &PostParams::default(), &mine).await.expect("replaced");
    let error = world.maps().replace("a", &PostParams::default(), &mine).await.expect_err("old");
    assert_eq!((refusal(&error).0, refusal(&error).1), (409, "Conflict".to_owned()));
}

#[tokio::test]
async fn lists_are_selected_and_cut_into_pages() {
    let world = World::new();
    for (name, color) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        let mut document = map(name, json!({}));
        document["metadata"]["labels"] = json!({"color": color});
        world.apply("one", document).await.expect("applied");
    }
    let red = world.maps().list(&ListParams::default().labels("color=red")).await.expect("listed");
    assert_eq!(red.items.len(), 2);
    let one = world.maps().list(&ListParams::default().fields("metadata.name=b")).await.expect("listed");
    assert_eq!(one.items.len(), 1);
    let page = world.maps().list(&ListParams::default().limit(2)).await.expect("listed");
    let token = page.metadata.continue_.expect("more");
    let rest =
        world.maps().list(&ListParams::default().limit(2).continue_token(&token)).await.expect("listed");
    assert_eq!((page.items.len(), rest.items.len(), rest.metadata.continue_), (2, 1, None));
}

#[tokio::test]
async fn a_deletion_holds_to_its_preconditions() {
    let world = World::new();
    let made = world.maps().create(&PostParams::default(), &typed(map("a", json!({})))).await.expect("made");
    let only = |uid: &str| DeleteParams {
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    let error = world.maps().delete("a", &only("other")).await.expect_err("another object");
    assert_eq!(refusal(&error).0, 409);
    world
        .maps()
        .delete("a", &DeleteParams { dry_run: true, ..DeleteParams::default() })
        .await
        .expect("tried");
    world.maps().delete("a", &only(made.metadata.uid.as_deref().expect("a uid"))).await.expect("deleted");
    assert!(world.server.get("ConfigMap", NS, "a").is_none());
}

#[tokio::test]
async fn a_namespace_must_be_there_and_takes_everything_along() {
    let world = World::new();
    let elsewhere: Api<ConfigMap> = Api::namespaced(world.client.clone(), "dify");
    let document = typed(map("a", json!({})));
    let error = elsewhere.create(&PostParams::default(), &document).await.expect_err("no namespace");
    assert_eq!(refusal(&error).2, "namespaces \"dify\" not found");
    let spaces: Api<Namespace> = Api::all(world.client.clone());
    let space = serde_json::from_value(json!({"metadata": {"name": "dify"}})).expect("a namespace");
    spaces.create(&PostParams::default(), &space).await.expect("made");
    elsewhere.create(&PostParams::default(), &document).await.expect("made");
    let answer = spaces.delete("dify", &DeleteParams::default()).await.expect("deleted");
    assert_eq!(answer.left().and_then(|left| left.status?.phase).as_deref(), Some("Terminating"));
    assert!(spaces.get_opt("dify").await.expect("asked").is_none());
    assert!(world.server.list("ConfigMap", "dify").is_empty());
}

#[tokio::test]
async fn patches_of_both_kinds_work_and_others_are_refused() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    let params = PatchParams::default();
    let merge = Patch::Merge(json!({"data": {"y": "2", "x": null}}));
    let stored = world.maps().patch("a", &params, &merge).await.expect("patched");
    assert_eq!(stored.data.expect("data").into_keys().collect::<Vec<_>>(), ["y"]);
    let strategic: Patch<Value> = Patch::Strategic(json!({"data": {}}));
    let error = world.maps().patch("a", &params, &strategic).await.expect_err("refused");
    assert_eq!(refusal(&error).0, 415);
}

#[tokio::test]
async fn a_token_is_asked_for_if_there_is_one() {
    let world = World::with(|options| options.token = Some("secret".to_owned()));
    let error = world.maps().get("a").await.expect_err("a stranger");
    assert_eq!(refusal(&error).0, 401);
}
