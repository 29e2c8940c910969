//! A password of Redis and the keys that components show each other are replaced without a call that is refused.

use std::fmt::Debug;
use std::time::Duration;

use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::embedded::google::Verdict;
use serde_json::Value;

use crate::harness::Stage;
use crate::rotating::{
    add_version, configuration, data, found_secret, later, order, secret_path, standing, versions,
};

/// Works until it has converged, and answers what was to be seen on the way, each thing once in a row.
async fn watched<T: PartialEq + Debug>(stage: &Stage, work: &Work, look: impl Fn(&Stage) -> T) -> Vec<T> {
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
fn shown(stage: &Stage, suffix: &str, secret: &str, name: &str) -> Option<String> {
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
    let (stage, work) = standing("").await;
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
    let (stage, work) = standing("").await;
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

/// Which version of a key is known at both ends of the calls between the API and the plugin daemons.
#[derive(Debug, PartialEq)]
struct Ends {
    /// What the callers of the daemon show, and which of the two they call.
    shown: (Option<String>, bool),
    /// What each of the two daemons takes.
    taken: [Option<String>; 2],
    /// What the API takes from plugins, and the second API.
    api: [Option<String>; 2],
    /// What each of the two daemons shows the API.
    back: [Option<String>; 2],
}

const DAEMON: &str = "plugin-daemon-key";
const INNER: &str = "inner-api-key-for-plugin";

fn ends(stage: &Stage) -> Ends {
    let url = data(stage, "-env", "PLUGIN_DAEMON_URL");
    let of = |secret: &str, name: &str| {
        ["-plugin-daemon-env", "-plugin-daemon-b-env"].map(|daemon| shown(stage, secret, daemon, name))
    };
    Ends {
        shown: (shown(stage, DAEMON, "-env", "PLUGIN_DAEMON_KEY"), url.is_some()),
        taken: of(DAEMON, "SERVER_KEY"),
        api: ["-env", "-inner-api-env"].map(|name| shown(stage, INNER, name, "INNER_API_KEY_FOR_PLUGIN")),
        back: of(INNER, "DIFY_INNER_API_KEY"),
    }
}

/// At any time, whoever serves takes what its callers show, and what each daemon shows the API some pods take.
fn nobody_is_refused(ends: &Ends) {
    let called = &ends.taken[usize::from(ends.shown.1)];
    assert_eq!(&ends.shown.0, called, "{ends:#?}");
    for key in ends.back.iter().flatten() {
        assert!(ends.api.iter().flatten().any(|taken| taken == key), "{ends:#?}");
    }
}

/// The pods that a Service leads to, by the names of their Deployments.
fn led_to(stage: &Stage, service: &str) -> Vec<String> {
    let selector = stage.object("Service", service).expect("a Service")["spec"]["selector"].clone();
    let selector = selector.as_object().expect("a selector").clone();
    let prefix = stage.namespace();
    let mut all = Vec::new();
    for name in ["", "-inner-api", "-worker"] {
        let Some(body) = stage.object("Deployment", name) else { continue };
        let labels = &body["spec"]["template"]["metadata"]["labels"];
        if selector.iter().all(|(label, value)| &labels[label] == value) {
            all.push(format!("{prefix}{name}"));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_daemon_with_the_new_key_is_warm_before_the_callers_hear_of_it() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    let begun = stage.clock.now();
    order(&stage, DAEMON).await;
    let seen = watched(&stage, &work, |stage| {
        let route = stage.object("HTTPRoute", "-routes").expect("routes").to_string();
        let since = (data(stage, "-env", "PLUGIN_DAEMON_URL").is_some()).then(|| stage.clock.now());
        (ends(stage), route.contains("plugin-daemon-b"), since.is_some())
    })
    .await;
    let text = |version: &str| Some(version.to_owned());
    let taken: Vec<_> = seen.iter().map(|(ends, ..)| ends.taken.clone()).collect();
    seen.iter().for_each(|(ends, ..)| nobody_is_refused(ends));
    assert_eq!(taken.first(), Some(&[text("1"), None]));
    assert!(taken.contains(&[text("1"), text("2")]), "both stand for a while: {taken:?}");
    assert_eq!(taken.last(), Some(&[None, text("2")]));
    assert!(
        seen.iter().all(|(_, route, told)| *route <= *told),
        "requests from outside change over with the callers"
    );
    assert!(seen.iter().all(|(ends, ..)| ends.api == [text("1"), None]), "the other key is as it was");
    let took = stage.clock.now().duration_since(begun);
    assert!(took.as_secs() > 600, "it had time to unpack its plugins: {took:?}");
    assert_eq!(versions(&stage, DAEMON), ["1 DISABLED", "2 ENABLED"]);
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_takes_both_keys_of_plugins_until_nobody_shows_the_old_one() {
    let (stage, work) = standing("").await;
    for version in ["2", "3"] {
        later(&stage, 1);
        order(&stage, INNER).await;
        let seen = watched(&stage, &work, ends).await;
        seen.iter().for_each(nobody_is_refused);
        let second = seen.iter().any(|ends| ends.api[1].as_deref() == Some(version));
        assert!(second, "a second API takes it first: {seen:#?}");
        let last = seen.last().expect("something");
        assert_eq!(last.api, [Some(version.to_owned()), None], "it goes when the API takes it");
        assert!(stage.object("Deployment", "-inner-api").is_none());
        assert!(stage.object("NetworkPolicy", "-inner-api").is_none());
        assert_eq!(led_to(&stage, &format!("-inner-api-v{version}")), [stage.namespace()]);
        let daemon = if version == "2" { "-plugin-daemon-b-env" } else { "-plugin-daemon-env" };
        let url =
            stage.object("ConfigMap", daemon).expect("what it reads")["data"]["DIFY_INNER_API_URL"].clone();
        assert_eq!(url, format!("http://{}-inner-api-v{version}:80", stage.namespace()));
    }
    assert_eq!(versions(&stage, INNER), ["1 DISABLED", "2 DISABLED", "3 ENABLED"]);
    assert!(stage.object("Service", "-inner-api-v2").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_again_in_the_middle_waits_for_the_turn_before_it() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    order(&stage, INNER).await;
    let mut seen = Vec::new();
    let mut added = 0;
    let mut work_now = work.clone();
    for _ in 0..500 {
        let outcome = stage.once(&work_now).await;
        let now = ends(&stage);
        nobody_is_refused(&now);
        // Once while the other daemon comes up, once when the callers have been told of it.
        if (added == 0 && now.back[1].is_some()) || (added == 1 && now.shown.1) {
            added += 1;
            add_version(
                &stage,
                &found_secret(&stage, INNER).rsplit('/').next().unwrap_or_default(),
                &format!("AddedByHand{added}"),
            )
            .await;
        }
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        match outcome {
            Outcome::Pending(pause) => stage.clock.advance(pause),
            Outcome::HandedOver => work_now.slices.clear(),
            Outcome::Converged => break,
            other => panic!("{other:?} after {seen:#?}: {:#?}", stage.status(&work).await.findings),
        }
    }
    let last = seen.last().expect("something");
    assert_eq!((added, last.api[0].as_deref()), (2, Some("4")), "{seen:#?}");
    assert_eq!(last.back.iter().flatten().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_get_another_server_and_sandbox_and_runs_of_the_old_one_have_their_time() {
    let (stage, work) = standing("agent_backend: {enabled: true}\n").await;
    for secret in ["agent-api-token", "agent-sandbox-token", DAEMON] {
        later(&stage, 1);
        let begun = stage.clock.now();
        order(&stage, secret).await;
        let seen = watched(&stage, &work, |stage| {
            nobody_is_refused(&ends(stage));
            let of = |secret: &str, name: &str| {
                ["-agent-backend-env", "-agent-backend-b-env"].map(|own| shown(stage, secret, own, name))
            };
            let sandboxes = ["-agent-sandbox-env", "-agent-sandbox-b-env"]
                .map(|own| shown(stage, "agent-sandbox-token", own, "SHELLCTL_AUTH_TOKEN"));
            let second = data(stage, "-env", "AGENT_BACKEND_BASE_URL").is_some();
            let token = shown(stage, "agent-api-token", "-env", "AGENT_BACKEND_API_TOKEN");
            let taken = of("agent-api-token", "DIFY_AGENT_API_TOKEN");
            assert_eq!(token, taken[usize::from(second)], "callers are refused");
            let sent = of("agent-sandbox-token", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN");
            assert_eq!(sent, sandboxes, "the server is refused by its sandbox");
            (second, taken)
        })
        .await;
        assert!(seen.iter().any(|(_, taken)| taken.iter().flatten().count() == 2), "{secret}: {seen:?}");
        let took = stage.clock.now().duration_since(begun);
        assert!(took.as_secs() > 3600, "{secret}: a run may take an hour, and all of it took {took:?}");
        assert_eq!(versions(&stage, secret), ["1 DISABLED", "2 ENABLED"]);
    }
    let sandboxes =
        ["-agent-sandbox", "-agent-sandbox-b"].map(|name| stage.object("Deployment", name).is_some());
    assert_eq!(sandboxes, [false, true], "after three turns it is the other one's");
}
