//! The contract with the outside: every sample decodes to what it says, and nothing that arrives ever panics.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dify_reconciler::events::{self, Envelope, Event, Headers, Poison, SpecCommitted};
use dify_reconciler::events::{
    AuditEntry, BackupDue, CertificateChanged, ImageBuilt, ImagePushed, ResyncTick, RolloutPromoted,
};
use dify_reconciler::events::{RotationDue, SecretChanged, SpecWithdrawn};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names in a directory, without their endings.
fn stems(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("reads").path());
    entries.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

pub struct Sample {
    pub name: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    events: Vec<Value>,
}

pub fn samples() -> Vec<(String, Sample)> {
    let mut samples = Vec::new();
    for stem in events::STEMS {
        let folder = root().join("events").join(stem);
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("events/{stem} is there")) {
            let path = entry.expect("reads").path();
            if path.file_name().is_some_and(|name| name != "schema.json") {
                samples.push(((*stem).to_owned(), sample(&path)));
            }
        }
    }
    samples
}

fn sample(path: &Path) -> Sample {
    let text = std::fs::read_to_string(path).expect("reads");
    let sample: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Sample {
        name: path.display().to_string(),
        headers: serde_json::from_value(sample["headers"].clone()).expect("headers are texts"),
        body: match &sample["body"] {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        },
        events: match &sample["event"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        },
    }
}

pub fn decode(headers: &Headers, body: &[u8]) -> Vec<Result<Event, Poison>> {
    let opened = events::open(headers, body).into_iter();
    opened.map(|envelope| envelope.and_then(|envelope: Envelope| events::decode(&envelope))).collect()
}

#[test]
fn an_event_has_one_stem_everywhere() {
    let built: BTreeSet<String> = events::STEMS.iter().map(|stem| (*stem).to_owned()).collect();
    let folders = stems(&root().join("events"));
    assert_eq!(&folders - &BTreeSet::from(["README".to_owned()]), built, "events/");
    let handlers = stems(&root().join("src/handlers"));
    let others = BTreeSet::from(["mod", "queue", "tasks"].map(str::to_owned));
    assert_eq!(&handlers - &others, built, "src/handlers/");
    let decoders = stems(&root().join("src/events"));
    assert!(built.is_subset(&decoders), "src/events/ lacks {:?}", &built - &decoders);
    for stem in built {
        assert!(samples().iter().filter(|(of, _)| *of == stem).count() >= 3, "{stem} has too few samples");
        let handler = std::fs::read_to_string(root().join(format!("src/handlers/{stem}.rs"))).expect("reads");
        for row in ["| Reads |", "| Plans |", "| Writes |", "pub const WRITES: &[Slice]"] {
            assert!(handler.contains(row), "src/handlers/{stem}.rs lacks {row}");
        }
    }
}

#[test]
fn every_sample_decodes_to_what_it_says() {
    for (stem, Sample { name, headers, body, events }) in samples() {
        let decoded = decode(&headers, &body);
        let decoded: Vec<Event> =
            decoded.into_iter().collect::<Result<_, _>>().unwrap_or_else(|poison| panic!("{name}: {poison}"));
        assert!(decoded.iter().all(|event| event.stem() == stem), "{name}: {decoded:?}");
        assert_eq!(decoded.iter().map(Event::to_json).collect::<Vec<_>>(), events, "{name}");
    }
}

#[test]
fn one_change_has_one_key_over_every_channel() {
    let of = |name: &str| {
        let Sample { headers, body, .. } = sample(&root().join(format!("events/spec_committed/{name}.json")));
        decode(&headers, &body).remove(0).expect("decodes").key()
    };
    let key = of("binary");
    for other in [
        "binary-numbers",
        "structured",
        "structured-base64",
        "batch",
        "push",
        "push-no-payload",
        "eventarc-message",
    ] {
        assert_eq!(of(other), key, "{other}");
    }
    assert_ne!(of("binary-metadata-updated"), key);
}

#[test]
fn schemas_describe_the_typed_events() {
    let schemas = [
        ("audit_entry", schemars::schema_for!(AuditEntry)),
        ("backup_due", schemars::schema_for!(BackupDue)),
        ("certificate_changed", schemars::schema_for!(CertificateChanged)),
        ("image_built", schemars::schema_for!(ImageBuilt)),
        ("image_pushed", schemars::schema_for!(ImagePushed)),
        ("resync_tick", schemars::schema_for!(ResyncTick)),
        ("rollout_promoted", schemars::schema_for!(RolloutPromoted)),
        ("rotation_due", schemars::schema_for!(RotationDue)),
        ("secret_changed", schemars::schema_for!(SecretChanged)),
        ("spec_committed", schemars::schema_for!(SpecCommitted)),
        ("spec_withdrawn", schemars::schema_for!(SpecWithdrawn)),
    ];
    for (stem, schema) in schemas {
        let path = root().join(format!("events/{stem}/schema.json"));
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).expect("writes");
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            text,
            "UPDATE_SCHEMAS=1 writes {stem}"
        );
    }
}

/// Truncations, wrong types, missing fields, wrong encodings: each gets an answer.
#[test]
fn whatever_is_wrong_with_a_sample_it_gets_an_answer() {
    for (_, Sample { name, headers, body, .. }) in samples() {
        for end in 0..body.len() {
            assert!(!decode(&headers, &body[..end]).is_empty(), "{name} cut at {end}");
        }
        for missing in headers.keys() {
            let mut fewer = headers.clone();
            fewer.remove(missing);
            assert!(!decode(&fewer, &body).is_empty(), "{name} without {missing}");
        }
        for content_type in
            ["", "text/plain", "application/cloudevents+json", "application/cloudevents-batch+json"]
        {
            let mut other = headers.clone();
            other.insert("content-type".into(), content_type.into());
            assert!(decode(&other, &body).len() <= 2, "{name} as {content_type}");
        }
        let utf16: Vec<u8> =
            String::from_utf8_lossy(&body).encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!decode(&headers, &utf16).is_empty(), "{name} as UTF-16");
        if let Ok(value) = serde_json::from_slice::<Value>(&body) {
            let mut count = 0;
            spoil(&value, &mut |spoilt| {
                count += 1;
                assert!(
                    !decode(&headers, spoilt.to_string().as_bytes()).is_empty() || spoilt == &json!([]),
                    "{name}"
                );
            });
            assert!(count > 3, "{name} was spoilt only {count} times");
        }
    }
}

/// Calls with every value in turn replaced by others, and taken away.
fn spoil(value: &Value, with: &mut dyn FnMut(&Value)) {
    let others = || [json!(null), json!(-1), json!("\u{0}"), json!([]), json!({}), json!(true), json!(1e300)];
    others().iter().for_each(&mut *with);
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut fewer = map.clone();
                fewer.remove(key);
                with(&Value::Object(fewer));
                spoil(inner, &mut |spoilt| {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), spoilt.clone());
                    with(&Value::Object(changed));
                });
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                spoil(inner, &mut |spoilt| {
                    let mut changed = items.clone();
                    changed[at] = spoilt.clone();
                    with(&Value::Array(changed));
                });
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_wrong_is_said_without_quoting_it() {
    let headers = Headers::from([("content-type".to_owned(), "application/json".to_owned())]);
    let secret = "hunter2";
    for body in [
        format!("{{\"message\": {{\"data\": {{\"{secret}\": \"{secret}\"}}}}}}"),
        format!("{{\"message\": \"{secret}\"}}"),
        format!("{secret}: {secret}"),
        format!(
            "{{\"message\": {{\"attributes\": {{\"eventType\": \"OBJECT_FINALIZE\", \"bucketId\": \"b\", \"objectId\": \"o\", \"objectGeneration\": \"{secret}\"}}}}}}"
        ),
    ] {
        let poison = decode(&headers, body.as_bytes()).remove(0).expect_err("it is poison");
        assert!(!poison.to_string().contains(secret), "{poison}");
    }
}

#[test]
fn messages_are_told_apart_by_what_they_carry() {
    let headers = Headers::from([("content-type".to_owned(), "application/json".to_owned())]);
    let cases = [
        (
            "rotation_due",
            json!({"eventType": "SECRET_ROTATE", "secretId": "projects/1/secrets/s", "timestamp": "t"}),
            "",
        ),
        ("image_built", json!({"buildId": "b", "status": "SUCCESS"}), "{}"),
        ("rollout_promoted", json!({"Action": "Succeed", "ResourceType": "Rollout", "Resource": "r"}), ""),
        ("rollout_promoted", json!({"Action": "Required", "Rollout": "r"}), ""),
        ("backup_due", json!({"kind": "backup"}), ""),
        ("image_pushed", json!({}), r#"{"action":"INSERT","digest":"h/p/r/i@sha256:0"}"#),
        ("foreign", json!({"attr1": "value"}), "text"),
    ];
    for (stem, attributes, data) in cases {
        use base64::Engine;
        let data = base64::engine::general_purpose::STANDARD.encode(data);
        let body = json!({"message": {"attributes": attributes, "data": data, "messageId": "1"}, "subscription": "s"});
        let event = decode(&headers, body.to_string().as_bytes()).remove(0).expect("decodes");
        assert_eq!(event.stem(), stem);
    }
}

/// Google's own samples, each with what its decoder is called, where they are at hand: they are not ours to copy.
pub fn googles_samples() -> Vec<(&'static str, Sample)> {
    let folder = root().join("../shared/events/google-cloudevents-testdata");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("without Google's samples: there are none in {}", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("reads").path());
    paths.map(|path| googles_sample(&path)).collect()
}

fn googles_sample(path: &Path) -> (&'static str, Sample) {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let (kind, stem) = match name.split("__").next() {
        Some("storage") => ("google.cloud.storage.object.v1.finalized", "spec_committed"),
        Some("pubsub") => ("google.cloud.pubsub.topic.v1.messagePublished", "foreign"),
        Some("cloudbuild") => ("google.cloud.cloudbuild.build.v1.statusChanged", "image_built"),
        Some("audit") => ("google.cloud.audit.log.v1.written", "audit_entry"),
        _ => ("google.cloud.firestore.document.v1.written", "foreign"),
    };
    let attributes = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-type", kind),
        ("ce-source", "//test"),
    ];
    let headers = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    (stem, Sample { name, headers, body: std::fs::read(path).expect("reads"), events: Vec::new() })
}

#[test]
fn googles_own_samples_decode() {
    for (stem, sample) in googles_samples() {
        let event = decode(&sample.headers, &sample.body).remove(0);
        let event = event.unwrap_or_else(|poison| panic!("{}: {poison}", sample.name));
        assert_eq!(event.stem(), stem, "{}", sample.name);
    }
}

#[test]
fn the_example_specs_are_specs() {
    let folder = root().join("infra/examples");
    for name in ["minimal.yaml", "production.yaml", "existing-instance.yaml"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("reads");
        if let Err(report) = dify_reconciler::spec::read(name, &text) {
            panic!("{name}: {:#?}", report.findings);
        }
    }
}
