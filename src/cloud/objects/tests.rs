//! Tests of objects against a small server that holds one.

use serde_json::json;

use super::*;
use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};
use crate::error::Disposition;

async fn objects(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Objects, Server) {
    let server = Server::start(answer).await;
    let google = Google::new(server.wire()).with_patience(hurried());
    (Objects::new(server.wire(), google), server)
}

fn media(content: &str) -> Reply {
    use base64::Engine;
    let checksum = crc32c::crc32c(content.as_bytes()).to_be_bytes();
    let checksum = base64::engine::general_purpose::STANDARD.encode(checksum);
    let headers = vec![
        ("x-goog-generation", "7".into()),
        ("x-goog-metageneration", "2".into()),
        ("x-goog-hash", format!("crc32c={checksum}")),
        ("x-goog-stored-content-length", content.len().to_string()),
    ];
    (200, headers, content.into())
}

#[tokio::test]
async fn an_object_is_read_with_its_generation() {
    let (objects, server) = objects(|_, _| media("a: 1")).await;
    let object = objects.read("specs", "dify/a.yaml", Some(7)).await.unwrap().unwrap();
    assert_eq!((object.generation, object.metageneration, &object.content[..]), (7, 2, &b"a: 1"[..]));
    let line = &server.seen()[0].line;
    assert!(line.starts_with("GET /storage/v1/b/specs/o/dify%2Fa.yaml?"), "{line}");
    assert!(line.contains("generation=7") && line.contains("alt=media"), "{line}");
    assert!(!format!("{object:?}").contains("a: 1"));
}

#[tokio::test]
async fn an_object_that_is_not_there_is_none_and_a_refusal_is_an_error() {
    let (objects, _server) = objects(|_, seen| {
        if seen.line.contains("secret") { reply(403, "no access") } else { reply(404, "No such object") }
    })
    .await;
    assert_eq!(objects.read("specs", "a", None).await.unwrap(), None);
    let error = objects.read("specs", "secret", None).await.unwrap_err();
    assert_eq!((error.status(), error.disposition()), (Some(403), Disposition::Terminal));
    assert_eq!(error.message, "no access");
}

#[tokio::test]
async fn a_write_is_conditional_and_412_without_a_code_is_a_conflict() {
    let (objects, server) = objects(|_, seen| {
        let error = json!({"error": {"code": 412, "message": "At least one", "errors": [{"reason": "conditionNotMet"}]}});
        let free = seen.line.contains("ifGenerationMatch=0");
        if free { reply(200, json!({"name": "lease", "generation": "8", "bucket": "state"})) } else { reply(412, error) }
    })
    .await;
    let write =
        |precondition| objects.write("state", "lease", Bytes::from("{}"), "application/json", precondition);
    assert_eq!(write(Precondition::Absent).await, Ok(8));
    assert_eq!(write(Precondition::Generation(7)).await, Err(WriteError::Conflict));
    assert!(server.seen()[1].line.contains("ifGenerationMatch=7"));
    assert!(server.seen()[0].line.starts_with("POST /upload/storage/v1/b/state/o?"));
}

#[tokio::test]
async fn a_list_has_every_page_and_a_deletion_its_precondition() {
    let item = |name: &str| json!({"name": name, "generation": "3", "metageneration": "1", "size": "12", "timeCreated": "t"});
    let (objects, server) = objects(move |number, _| match number {
        0 => reply(200, json!({"items": [item("a/1")], "nextPageToken": "n"})),
        1 => reply(200, json!({"items": [item("a/2")]})),
        2 => reply(200, item("a/1")),
        3 => reply(404, "{}"),
        4 => reply(204, ""),
        _ => reply(412, json!({"error": {"code": 412, "message": "m"}})),
    })
    .await;
    let listed = objects.list("state", "a/").await.unwrap();
    assert_eq!(listed.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["a/1", "a/2"]);
    assert_eq!((listed[0].generation, listed[0].size_bytes), (3, 12));
    assert_eq!(objects.stat("state", "a/1").await.unwrap().unwrap().generation, 3);
    assert_eq!(objects.stat("state", "a/9").await.unwrap(), None);
    assert_eq!(objects.delete("state", "a/1", Some(3)).await, Ok(()));
    assert_eq!(objects.delete("state", "a/1", Some(2)).await, Err(WriteError::Conflict));
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[0], "GET /storage.googleapis.com/storage/v1/b/state/o?prefix=a%2F");
    assert_eq!(lines[4], "DELETE /storage.googleapis.com/storage/v1/b/state/o/a%2F1?ifGenerationMatch=3");
}
