//! No secret leaves by any way but to where it belongs: a first install with planted and drawn secrets, under faults
//! that quote what they were sent; then everything that was said is searched.

#[path = "harness/mod.rs"]
mod harness;
#[path = "door/issuer.rs"]
#[allow(dead_code, reason = "the door's own tests use the rest")]
mod issuer;

#[path = "secrets/door.rs"]
mod door;
#[path = "secrets/said.rs"]
mod said;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_reconciler::converge::execute::Memory;
use dify_reconciler::converge::{Admission, Outcome, Work, scene};
use dify_reconciler::embedded::google::Verdict;
use dify_reconciler::embedded::kubernetes::{Action, Failure};
use dify_reconciler::plan::render;
use serde_json::json;

use harness::{MINIMAL, Stage};
use said::Said;

const PIN: &str = "planted-pin-4711-of-the-spec";
const REDIS: &str = "planted-redis-password-0815";
const GITHUB: &str = "ghp_plantedPlantedPlantedPlanted1234567890";
const MAIL: &str = "planted-mail-key-in-secret-manager";

fn spec(more: &str) -> String {
    format!(
        "{MINIMAL}explicit_secret_values: {{PIN: {PIN}}}\ngithub_token: {GITHUB}\nsecret_environment_variables: \
         {{MAIL_KEY: mail-key}}\n{more}"
    )
}

/// The user's own secret is there before the spec is.
fn plant(stage: &Stage) {
    let name = "projects/123456789012/secrets/mail-key";
    stage.google.put(&format!("secretmanager/{name}"), json!({"name": name}));
    let version = format!("{name}/versions/1");
    let body = json!({"name": version, "state": "ENABLED", "_payload": STANDARD.encode(MAIL)});
    stage.google.put(&format!("secretmanager/{version}"), body);
}

/// Every payload that Secret Manager holds, and what was planted elsewhere.
fn secrets(stage: &Stage) -> Vec<String> {
    let drawn = stage.google.secret_payloads().into_iter();
    let drawn = drawn.map(|content| String::from_utf8(content).expect("ours are text"));
    drawn.chain([PIN, REDIS, GITHUB, MAIL].map(str::to_owned)).collect()
}

/// Each API refuses the first call that carries a secret, and quotes the whole call in its refusal.
fn quote_everything(stage: &Stage) {
    let refused = std::sync::Mutex::new(std::collections::BTreeSet::new());
    stage.google.intercept(move |call| {
        let carries = [":addVersion", "/users", "/instances"].iter().find(|part| call.path.contains(**part));
        let Some(part) = carries.filter(|_| call.method == "POST") else { return Verdict::Pass };
        if !refused.lock().expect("no test has panicked").insert((call.host.clone(), *part)) {
            return Verdict::Pass;
        }
        let quoted = String::from_utf8_lossy(&call.body).into_owned();
        let error = json!({"code": 400, "status": "INVALID_ARGUMENT", "message": format!("Invalid value: {quoted}"),
                           "errors": [{"reason": "invalid", "message": quoted}]});
        Verdict::FailBefore(400, json!({ "error": error }).to_string())
    });
    let why = format!("Secret \"x\" is invalid: data[PIN]: Invalid value: \"{PIN}\": must be shorter");
    let failure = Failure::new(422, "Invalid", &why);
    stage.kubernetes.faults().meet("PATCH", "/secrets/", 1, Action::FailBefore(failure));
}

/// What a plan, its inventory and its spec say of themselves.
async fn look(stage: &Stage, work: &Work, said: &mut Said) {
    let Ok(Admission::Admitted(scene)) = scene::admit(&stage.converger, work).await else {
        panic!("the spec is not admitted")
    };
    let (seen, plan) = stage.converger.look(&scene, &mut Memory::default()).await;
    said.note("plan as text", render::text(&plan));
    said.note("plan as Markdown", render::markdown(&plan));
    said.note("plan as JSON", serde_json::to_string(&plan).expect("a plan is JSON"));
    said.note("plan as Debug", format!("{plan:?}"));
    said.note("inventory as Debug", format!("{seen:?}"));
    said.note("spec as Debug and JSON", format!("{:?} {}", scene.spec, json!(scene.spec)));
}

/// Works until it is done, looking before each turn; the errands that end in errors are gone on with.
async fn converge(stage: &Stage, work: &Work, said: &mut Said) {
    for _ in 0..60 {
        look(stage, work, said).await;
        let outcome = stage.once(work).await;
        said.note("outcome", format!("{outcome:?}"));
        said.state(stage).await;
        match outcome {
            Outcome::Converged => return,
            Outcome::Pending(pause) => stage.clock.advance(pause),
            Outcome::Stalled => stage.clock.advance(std::time::Duration::from_secs(60)),
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not converge: {:#?}", stage.status(work).await.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_said_holds_a_secret() {
    let log = said::listen();
    let mut said = Said::default();
    let stage = Stage::instant().await;
    plant(&stage);
    quote_everything(&stage);
    let work = stage.save("prod.yaml", &spec("")).await;
    converge(&stage, &work, &mut said).await;

    // Refused, with the secrets beside what is wrong; then another Redis, whose password is the spec's.
    let broken =
        stage.save("prod.yaml", &spec(&format!("redis_auth: [{REDIS}]\nmax_instance_count: x\n"))).await;
    assert_eq!(stage.once(&broken).await, Outcome::Refused);
    said.state(&stage).await;
    let work = stage.save("prod.yaml", &spec(&format!("redis_host: 10.9.9.9\nredis_auth: {REDIS}\n"))).await;
    converge(&stage, &work, &mut said).await;
    door::ring(&stage, &work, &mut said).await;

    let asked = stage.google.requests().into_iter();
    said.note("addresses", asked.map(|call| format!("{} {:?}\n", call.path, call.query)).collect());
    said.note("log and spans", log.text());
    assert!(said.size() > 200_000, "little was said: {}", said.size());
    assert!(said.has("taking a step") && said.has("Invalid value"), "the log was heard, the faults met");
    let secrets = secrets(&stage);
    assert!(secrets.len() > 10, "secrets were drawn");
    said.holds_none_of(&secrets);
}

#[test]
fn the_search_finds_a_secret_in_any_of_its_forms() {
    for said_of_it in [PIN.to_owned(), STANDARD.encode(PIN), json!(PIN).to_string()] {
        let mut said = Said::default();
        said.note("log", format!("before {said_of_it} after"));
        assert!(!said.leaks(&[PIN.to_owned()]).is_empty(), "{said_of_it}");
    }
}
