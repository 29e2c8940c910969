//! Pushing to Artifact Registry: uploads, mounts, manifests. A blob is taken in one piece, as there.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

use super::content::{digest_of, read};
use super::home::{Home, Package, is_tagged};
use super::{parts, refuse};
use crate::embedded::google::apis::pubsub;
use crate::embedded::google::context::Cx;
use crate::embedded::google::reply::Reply;
use crate::embedded::google::store::set;

/// Opens an upload, or mounts a blob that another package has.
pub fn begin(cx: &mut Cx, home: &Home) -> Reply {
    let Some(package) = pushable(cx, home) else { return unpushable(home) };
    if let (Some(digest), Some(from)) = (cx.call.query("mount"), cx.call.query("from")) {
        let source = Home::of(cx, from);
        if source.has_blob(cx, digest)
            && let Some(bytes) = source.blob(cx, digest)
        {
            package.put_blob(cx, digest, &bytes);
            return created(home, "blobs", digest);
        }
    }
    let id = format!("{:016x}", cx.world.next_number());
    cx.world.put(session(&id), json!({"name": home.name()}));
    accepted(cx, home, &id)
}

/// Takes an upload's content, once.
pub fn append(cx: &mut Cx, home: &Home, id: &str) -> Reply {
    let Some(mut upload) = open(cx, home, id) else { return unknown() };
    if upload.get("data").is_some() {
        let why = "Artifact Registry does not support chunked uploads";
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", why);
    }
    upload["data"] = json!(BASE64_STANDARD.encode(&cx.call.body));
    cx.world.put(session(id), upload);
    accepted(cx, home, id)
}

/// Closes an upload: from now on the blob is there.
pub fn finish(cx: &mut Cx, home: &Home, id: &str) -> Reply {
    let Some(upload) = open(cx, home, id) else { return unknown() };
    let Some(package) = pushable(cx, home) else { return unpushable(home) };
    let digest = cx.call.query("digest").unwrap_or_default();
    let mut bytes = read(&upload, "data").unwrap_or_default();
    bytes.extend_from_slice(&cx.call.body);
    cx.world.take(&session(id));
    if digest_of(&bytes) != digest {
        return refuse(
            StatusCode::BAD_REQUEST,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
        );
    }
    package.put_blob(cx, digest, &bytes);
    created(home, "blobs", digest)
}

/// Takes a manifest under a tag or its digest, when everything that it refers to is there.
pub fn manifest(cx: &mut Cx, home: &Home, reference: &str) -> Reply {
    let Some(package) = pushable(cx, home) else { return unpushable(home) };
    let Ok(text) = String::from_utf8(cx.call.body.to_vec()) else { return invalid("it is not text") };
    let Ok(body) = serde_json::from_str::<Value>(&text) else { return invalid("it is not JSON") };
    let digest = digest_of(text.as_bytes());
    let is_digest = reference.starts_with("sha256:");
    if is_digest && reference != digest {
        return refuse(
            StatusCode::BAD_REQUEST,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
        );
    }
    let blobs = parts(&body, "config").into_iter().chain(parts(&body, "layers"));
    let manifests = parts(&body, "manifests").into_iter();
    let named = |part: &Value| part["digest"].as_str().unwrap_or_default().to_owned();
    let lost = blobs.map(named).find(|digest| !home.has_blob(cx, digest));
    let lost =
        lost.or_else(|| manifests.map(named).find(|digest| cx.world.get(&package.image(digest)).is_none()));
    if let Some(lost) = lost {
        let why = format!("blob unknown to registry: {lost}");
        return refuse(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", &why);
    }
    let tag = (!is_digest).then_some(reference);
    keep(cx, &package, &digest, (&text, &body), tag);
    tell(cx, &package, &digest, tag);
    created(home, "manifests", &digest)
}

fn keep(cx: &mut Cx, package: &Package, digest: &str, (text, body): (&str, &Value), tag: Option<&str>) {
    if let Some(tag) = tag {
        for (key, mut image) in package.images(cx).into_iter().filter(|(_, image)| is_tagged(image, tag)) {
            let others = image["tags"].as_array().cloned().unwrap_or_default();
            image["tags"] = others.into_iter().filter(|other| other != tag).collect();
            cx.world.put(key, image);
        }
    }
    let (key, now) = (package.image(digest), cx.stamp());
    let mut image = cx.world.get(&key).cloned().unwrap_or_else(|| json!({"uploadTime": now}));
    let kind = cx.call.header("content-type").unwrap_or_default();
    let blobs = parts(body, "config").into_iter().chain(parts(body, "layers"));
    let size: u64 = blobs.filter_map(|part| part["size"].as_u64()).sum();
    set(
        &mut image,
        json!({"name": key.trim_start_matches("artifactregistry/"), "uri": format!("{}@{digest}", package.uri),
               "imageSizeBytes": size.to_string(), "mediaType": kind, "updateTime": now, "_content": text}),
    );
    if let Some(tag) = tag {
        let mut tags = image["tags"].as_array().cloned().unwrap_or_default();
        tags.push(json!(tag));
        image["tags"] = tags.into();
    }
    let listed: Vec<Value> = parts(body, "manifests").into_iter().map(listed).collect();
    if !listed.is_empty() {
        image["imageManifests"] = listed.into();
    }
    cx.world.put(key, image);
}

/// Publishes to the project's topic `gcr`, if somebody has made it.
fn tell(cx: &mut Cx, package: &Package, digest: &str, tag: Option<&str>) {
    let project = package.repository.split('/').nth(1).unwrap_or_default();
    let topic = format!("projects/{project}/topics/gcr");
    if cx.world.get(&format!("pubsub/{topic}")).is_none() {
        return;
    }
    let mut happened = json!({"action": "INSERT", "digest": format!("{}@{digest}", package.uri)});
    if let Some(tag) = tag {
        happened["tag"] = json!(format!("{}:{tag}", package.uri));
    }
    pubsub::publish(cx, &topic, json!({"data": BASE64_STANDARD.encode(happened.to_string())}));
}

/// A manifest of an index as Artifact Registry tells it.
fn listed(manifest: &Value) -> Value {
    json!({"digest": manifest["digest"], "mediaType": manifest["mediaType"],
           "architecture": manifest["platform"]["architecture"], "os": manifest["platform"]["os"]})
}

fn session(id: &str) -> String {
    format!("registry-content/uploads/{id}")
}

fn open(cx: &Cx, home: &Home, id: &str) -> Option<Value> {
    cx.world.get(&session(id)).filter(|upload| upload["name"] == home.name()).cloned()
}

/// The package, when its repository exists.
fn pushable(cx: &Cx, home: &Home) -> Option<Package> {
    let Package { repository, id, uri } = home.package().filter(|_| home.is_there(cx))?;
    Some(Package { repository: repository.clone(), id: id.clone(), uri: uri.clone() })
}

fn unpushable(home: &Home) -> Reply {
    match home.package() {
        Some(package) => {
            let why = format!("Repository \"{}\" not found", package.repository);
            refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &why)
        }
        None => refuse(StatusCode::FORBIDDEN, "DENIED", "requested access to the resource is denied"),
    }
}

fn unknown() -> Reply {
    refuse(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

fn invalid(why: &str) -> Reply {
    refuse(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", why)
}

fn created(home: &Home, sort: &str, digest: &str) -> Reply {
    Reply::empty(201)
        .with_header("location", format!("/v2/{}/{sort}/{digest}", home.name()))
        .with_header("docker-content-digest", digest)
}

/// 202 with where the upload goes on.
fn accepted(cx: &Cx, home: &Home, id: &str) -> Reply {
    let namespace = cx.call.query("ns").map(|ns| format!("?ns={ns}")).unwrap_or_default();
    Reply::empty(202)
        .with_header("location", format!("/v2/{}/blobs/uploads/{id}{namespace}", home.name()))
        .with_header("docker-upload-uuid", id)
        .with_header("range", "0-0")
}
