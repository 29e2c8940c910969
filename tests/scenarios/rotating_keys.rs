//! A password of Redis and the keys that components show each other are replaced without a call that is refused.

use std::fmt::Debug;
use std::time::Duration;

use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::embedded::google::Verdict;
use serde_json::Value;

use crate::harness::Stage;
use crate::rotating::{configuration, data, later, order, secret_path, spec, standing, versions};

/// Works until it has converged, and answers what was to be seen on the way, each thing once in a row.
pub async fn watched<T: PartialEq + Debug>(stage: &Stage, work: &Work, look: impl Fn(&Stage) -> T) -> Vec<T> {
    let mut work = work.clone();
    let mut seen = vec![look(stage)];
    for _ in 0..500 {
        let outcome = stage.once(&work).await;
        let now = look(stage);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        match outcome {
            Outcome::Pending(pause) => stage.clock.advance(pause),
            Outcome::HandedOver => work.slices.clear(),
            Outcome::Converged => return seen,
            other => panic!("{other:?} after {seen:#?}: {:#?}", stage.status(&work).await.findings),
        }
    }
    panic!("it never ends: {seen:#?}: {:#?}", stage.status(&work).await.plan)
}

/// Which version of a generated secret a Secret of the cluster has under a name.
pub fn shown(stage: &Stage, suffix: &str, secret: &str, name: &str) -> Option<String> {
    stage.object("Secret", secret)?;
    let (value, path) = (data(stage, secret, name)?, secret_path(stage, suffix));
    let is = |version: &String| stage.google.holds(&format!("{path}/versions/{version}"), &value);
    let all = versions(stage, suffix);
    let mut numbers = all.iter().filter_map(|version| version.split(' ').next().map(str::to_owned));
    numbers.find(is)
}

fn vm(stage: &Stage) -> String {
    let paths = stage.google.paths("compute/");
    paths.into_iter().find(|path| path.contains("/instances/")).expect("a VM")
}

/// Which versions of the password the VM is asked to let Redis take.
fn asked(stage: &Stage) -> Value {
    let vm = stage.google.get(&vm(stage)).expect("a VM");
    let items = vm["metadata"]["items"].as_array().cloned().unwrap_or_default();
    let ours = items.into_iter().find(|item| item["key"] == "redis-passwords").expect("it is asked");
    ours["value"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_takes_both_passwords_before_anybody_shows_the_new_one_and_until_nobody_shows_the_old() {
    let (stage, work) = Stage::standing(&spec("")).await;
    assert_eq!(asked(&stage), "v1");
    let before = configuration(&stage, "-worker");
    stage.clock.advance(Duration::from_secs(60));
    order(&stage, "redis-password").await;
    let seen = watched(&stage, &work, |stage| {
        let clients = shown(stage, "redis-password", "-env", "REDIS_PASSWORD").expect("a version");
        let daemon =
            shown(stage, "redis-password", "-plugin-daemon-env", "REDIS_PASSWORD").expect("a version");
        (asked(stage), clients, daemon)
    });
    let state = |asked: &str, clients: &str| (Value::from(asked), clients.to_owned(), clients.to_owned());
    let states = [state("v1", "1"), state("v1 v2", "1"), state("v1 v2", "2"), state("v2", "2")];
    assert_eq!(seen.await, states, "the server takes what is shown, at any time");
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
    assert_eq!(versions(&stage, "redis-password"), ["1 DISABLED", "2 ENABLED"]);
    assert_ne!(configuration(&stage, "-worker"), before, "clients have it");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "it is not due a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_cannot_be_told_keeps_its_password_and_the_user_is_told() {
    let (stage, work) = standing("").await;
    let before = configuration(&stage, "-worker");
    // As one that was made before it could be told: nothing on it looks at its metadata.
    stage.google.intercept(|call| match call.path.contains("getGuestAttributes") {
        true => Verdict::FailBefore(404, String::new()),
        false => Verdict::Pass,
    });
    later(&stage, 1);
    order(&stage, "redis-password").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(versions(&stage, "redis-password"), ["1 ENABLED", "2 ENABLED"]);
    assert_eq!(configuration(&stage, "-worker"), before, "the server does not take the new one");
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.message.contains("waits for the NFS VM")), "{findings:#?}");

    stage.google.clear_intercept();
    later(&stage, 1);
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "it was started anew, and says so");
    assert_ne!(configuration(&stage, "-worker"), before);
    let findings = stage.status(&work).await.findings;
    assert!(!findings.iter().any(|finding| finding.message.contains("waits for the NFS VM")));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sandbox_with_the_new_key_stands_before_the_callers_hear_of_it_and_the_old_one_goes_last() {
    let (stage, work) = Stage::standing(&spec("")).await;
    stage.clock.advance(Duration::from_secs(60));
    order(&stage, "code-execution-api-key").await;
    const KEY: &str = "code-execution-api-key";
    let seen = watched(&stage, &work, |stage| {
        let (callers, first, second) = (
            shown(stage, KEY, "-env", "CODE_EXECUTION_API_KEY"),
            shown(stage, KEY, "-sandbox-env", "API_KEY"),
            shown(stage, KEY, "-sandbox-b-env", "API_KEY"),
        );
        let endpoint = data(stage, "-env", "CODE_EXECUTION_ENDPOINT").is_some();
        (callers.expect("a version"), endpoint, first, second)
    });
    let one = || Some("1".to_owned());
    let two = || Some("2".to_owned());
    let states = [
        ("1".to_owned(), false, one(), None),
        ("1".to_owned(), false, one(), two()),
        ("2".to_owned(), true, one(), two()),
        ("2".to_owned(), true, None, two()),
    ];
    assert_eq!(seen.await, states, "what is called takes the key that is shown, at any time");
    assert_eq!(versions(&stage, KEY), ["1 DISABLED", "2 ENABLED"]);
    assert!(
        stage.object("Deployment", "-sandbox").is_none() && stage.object("Service", "-sandbox").is_none()
    );
    let endpoint = data(&stage, "-env", "CODE_EXECUTION_ENDPOINT").expect("it is told");
    assert_eq!(endpoint, format!("http://{}-sandbox-b:8194", stage.namespace()));

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());

    later(&stage, 1);
    order(&stage, "code-execution-api-key").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "the next turn comes back");
    assert_eq!(data(&stage, "-env", "CODE_EXECUTION_ENDPOINT"), None);
    assert!(stage.object("Deployment", "-sandbox").is_some());
    assert!(stage.object("Deployment", "-sandbox-b").is_none());
    assert!(stage.object("NetworkPolicy", "-sandbox-b").is_none());
    let versions = versions(&stage, "code-execution-api-key");
    assert_eq!(versions, ["1 DISABLED", "2 DISABLED", "3 ENABLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_does_not_come_up_is_never_told_of() {
    let (stage, work) = standing("").await;
    let key = data(&stage, "-env", "CODE_EXECUTION_API_KEY");
    later(&stage, 1);
    stage.kubernetes.faults().never_available(&format!("{}-sandbox-b", stage.namespace()));
    order(&stage, "code-execution-api-key").await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(data(&stage, "-env", "CODE_EXECUTION_API_KEY"), key);
    assert!(stage.object("Deployment", "-sandbox").is_some(), "the old one serves");
}
