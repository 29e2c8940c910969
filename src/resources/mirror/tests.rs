//! Where images are copied to, and how a copy is known again.

use serde_json::json;

use super::super::google::testing::{declared, platform};
use super::super::{Wait, WaitKind};
use super::*;
use crate::inventory::Inventory;
use crate::spec::Spec;

const API: &str = "langgenius/dify-api:1.17.1";
const BASE: &str = "us-central1-docker.pkg.dev/p-1/appdifydemo0a1b2c3d";

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn with<T>(spec: Spec, seen: &Inventory, ask: impl FnOnce(&Context<'_>) -> T) -> T {
    let mut answer = None;
    declared(spec, seen, |context| {
        answer = Some(ask(context));
        Vec::new()
    });
    answer.unwrap()
}

fn mirror() -> Mirror {
    with(Spec::default(), &platform(), Mirror::of)
}

#[test]
fn a_copy_is_told_by_its_source_its_tag_and_its_digest() {
    for (reference, place) in [
        (API, "docker.io/langgenius/dify-api:deployed-1.17.1-aaaaaaaaaaaa"),
        ("postgres:15-alpine", "docker.io/library/postgres:deployed-15-alpine-aaaaaaaaaaaa"),
        ("localhost:5000/a/b", "localhost-5000/a/b:deployed-aaaaaaaaaaaa"),
        ("gcr.io/p/a:1", "gcr.io/p/a:deployed-1-aaaaaaaaaaaa"),
    ] {
        assert_eq!(mirror().image(reference, &digest("a")), format!("{BASE}/{place}@{}", digest("a")));
    }
    let tag = mirror().copy(&format!("a/b:{}", "t".repeat(128)), &digest("a")).unwrap().tag;
    assert!(tag.len() <= 128, "{tag}");
}

#[test]
fn what_is_in_the_projects_own_registry_stays_where_it_is() {
    let own = "europe-docker.pkg.dev/p-1/apps/dify-api:1";
    assert_eq!(mirror().image(own, &digest("a")), format!("{own}@{}", digest("a")));
    let foreign = "europe-docker.pkg.dev/p-10/apps/dify-api:1";
    assert!(
        mirror().image(foreign, &digest("a")).starts_with(&format!("{BASE}/europe-docker.pkg.dev/p-10/"))
    );
}

#[test]
fn a_workload_runs_a_reference_from_its_source_or_as_a_copy() {
    let (mirror, copy) = (mirror(), mirror().image(API, &digest("a")));
    assert_eq!(mirror.digest(API, &copy), Some(&*digest("a")));
    assert_eq!(mirror.digest(API, &format!("{API}@sha256:x")), Some("sha256:x"));
    assert_eq!(mirror.digest("langgenius/dify-api:1.17.0", &copy), None, "another tag is another image");
    assert_eq!(mirror.digest("langgenius/dify-web:1.17.1", &copy), None);
    assert!(mirror.is_of("langgenius/dify-api:1.17.0", &copy), "whatever the tag");
    assert!(!mirror.is_of("langgenius/dify-web:1.17.1", &copy));
}

#[test]
fn only_what_has_its_tag_counts_as_listed() {
    let image = |uri: &str, tags: &[&str]| json!({"uri": format!("{BASE}/{uri}"), "tags": tags});
    let untagged = json!({"uri": format!("{BASE}/docker.io/a/c@sha256:2")});
    let page = json!({"dockerImages": [image("docker.io/a/b@sha256:1", &["deployed-1", "x"]), untagged,
                                       {"uri": "elsewhere/docker.io/a/b@sha256:1", "tags": ["deployed-1"]}]});
    assert_eq!(mirror().listed(&page), ["docker.io/a/b:deployed-1@sha256:1", "docker.io/a/b:x@sha256:1"]);
}

#[test]
fn a_workload_waits_for_its_copy_and_says_so() {
    let mut seen = platform();
    seen.digests.insert(API.into(), digest("a"));
    let place = |seen: &Inventory| with(Spec::default(), seen, |context| placed(context, API));
    assert!(place(&seen).unwrap_err().why.contains("once there is a repository"));
    seen.mirror.copied = Some(Err("403".into()));
    assert!(place(&seen).unwrap_err().why.contains("403"));
    seen.mirror.copied = Some(Ok(BTreeSet::new()));
    assert!(place(&seen).unwrap_err().why.contains("is being copied to docker.io/langgenius/dify-api"));
    let copy = mirror().copy(API, &digest("a")).unwrap().place();
    seen.mirror.copied = Some(Ok([copy].into()));
    assert_eq!(place(&seen), Ok(mirror().image(API, &digest("a"))));

    let off = Spec { enable_image_mirroring: false, ..Spec::default() };
    let straight = with(off, &seen, |context| placed(context, API));
    assert_eq!(straight, Ok(format!("{API}@{}", digest("a"))));
}

#[test]
fn an_image_that_names_its_digest_is_copied_like_any_other() {
    let named = format!("eu.example/dify@{}", digest("b"));
    let spec = Spec { container_image: named.clone(), ..Spec::default() };
    let all = with(spec, &platform(), wanted);
    let places: Vec<String> = all.iter().map(Wanted::place).collect();
    assert_eq!(places, [format!("eu.example/dify:deployed-bbbbbbbbbbbb@{}", digest("b"))]);
}

/// An index over two images that share a layer.
fn sight() -> (Sight, Wanted) {
    let mut sight = Sight::default();
    let part = |letter: &str, size: u64| json!({"digest": digest(letter), "size": size});
    let mut note = |letter: &str, body: serde_json::Value| {
        let content = Content::read(&body.to_string());
        sight.content.insert(digest(letter), content.map_err(|why| Wait::new(WaitKind::User, why)));
    };
    note("a", json!({"manifests": [part("b", 1), part("c", 1)]}));
    note("b", json!({"config": part("1", 10), "layers": [part("2", 100)]}));
    note("c", json!({"config": part("3", 10), "layers": [part("2", 100)]}));
    (sight, mirror().copy("x/y:1", &digest("a")).unwrap())
}

#[test]
fn a_manifest_is_written_when_everything_below_it_is_there() {
    let (mut sight, wanted) = sight();
    let first = missing(&sight, &wanted).unwrap();
    assert_eq!((first.blobs.len(), first.manifests.len(), first.later), (3, 0, 2), "the layer counts once");
    assert_eq!(first.shown(), "5 parts (1 MB) of it are still to be copied");

    sight.there.extend(["1", "2"].map(|letter| wanted.part(&digest(letter))));
    let second = missing(&sight, &wanted).unwrap();
    assert_eq!(second.manifests, [Part { digest: digest("b"), size: 1 }]);
    assert_eq!((second.blobs.len(), second.later), (1, 1));

    sight.there.extend(["b", "c"].map(|letter| wanted.part(&digest(letter))));
    assert!(missing(&sight, &wanted).unwrap().is_nothing(), "what is there has what it refers to");
}

#[test]
fn an_index_waits_for_the_manifest_that_cannot_be_read() {
    let (mut sight, wanted) = sight();
    sight.content.insert(digest("c"), Err(Wait::new(WaitKind::User, "it is gone")));
    assert_eq!(missing(&sight, &wanted).unwrap_err().why, "it is gone");
}
