//! Keys between the API, plugin daemons and agents are replaced while servers take turns, and no call is refused.

use dify_reconciler::converge::{Outcome, Work};
use serde_json::{Value, json};

use crate::harness::Stage;
use crate::rotating::{add_version, data, found_secret, later, order, spec, standing, versions};
use crate::rotating_keys::{shown, watched};

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

/// Whatever is there, the network lets its callers through.
fn the_network_lets_through(stage: &Stage) {
    for (server, callers) in [
        ("-plugin-daemon", ["", "-worker"]),
        ("-plugin-daemon-b", ["", "-worker"]),
        ("-inner-api", ["-plugin-daemon", "-plugin-daemon-b"]),
    ] {
        let component = json!(server.trim_start_matches('-'));
        let callers = callers.into_iter().filter(|caller| stage.object("Deployment", caller).is_some());
        for caller in callers.filter(|_| stage.object("Deployment", server).is_some()) {
            let name = if caller.is_empty() { "-api" } else { caller };
            let policy = stage.object("NetworkPolicy", name).expect("a policy");
            let rules = policy["spec"]["egress"].as_array().cloned().unwrap_or_default();
            let mut peers = rules.iter().flat_map(|rule| rule["to"].as_array().cloned().unwrap_or_default());
            let leads = |peer: Value| peer["podSelector"]["matchLabels"]["component"] == component;
            assert!(peers.any(leads), "{name} is kept from {server}");
        }
    }
}

/// Where each daemon that is there calls the API, there are pods, and they know the key that it shows.
fn somebody_answers(stage: &Stage) {
    let prefix = stage.namespace();
    for daemon in ["-plugin-daemon", "-plugin-daemon-b"] {
        let Some(reads) = stage.object("ConfigMap", &format!("{daemon}-env")) else { continue };
        let Some(key) = shown(stage, INNER, &format!("{daemon}-env"), "DIFY_INNER_API_KEY") else { continue };
        let url = reads["data"]["DIFY_INNER_API_URL"].as_str().expect("an address").to_owned();
        let service = url.trim_start_matches(&format!("http://{prefix}")).trim_end_matches(":80").to_owned();
        let pods = led_to(stage, &service);
        assert!(!pods.is_empty(), "{daemon} calls {service}, and nobody is there");
        for pod in pods {
            let of = pod.trim_start_matches(&prefix);
            let told = shown(stage, INNER, &format!("{of}-env"), "INNER_API_KEY_FOR_PLUGIN");
            let label = |name: &str| {
                let body = stage.object("Deployment", name)?;
                body.pointer("/spec/template/metadata/labels/dify-reconciler~1inner-key").cloned()
            };
            // The pods of the API are told by a Secret that they may not have read yet; their label says what they know.
            let known = label(of).and_then(|label| label.as_str().map(str::to_owned)).or(told);
            assert!(
                known.is_none_or(|known| known == key || of.is_empty() && key == "1"),
                "{daemon} is refused by {of}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_daemon_with_the_new_key_is_warm_before_the_callers_hear_of_it() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    let begun = stage.clock.now();
    order(&stage, DAEMON).await;
    let seen = watched(&stage, &work, |stage| {
        the_network_lets_through(stage);
        let route = stage.object("HTTPRoute", "-routes").expect("routes");
        let rules = route["spec"]["rules"].as_array().cloned().unwrap_or_default();
        let backends =
            rules.iter().flat_map(|rule| rule["backendRefs"].as_array().cloned().unwrap_or_default());
        let second = |backend: Value| {
            backend["name"].as_str().is_some_and(|name| name.ends_with("-plugin-daemon-b"))
                && backend["weight"] == 1
        };
        (ends(stage), backends.into_iter().any(second), data(stage, "-env", "PLUGIN_DAEMON_URL").is_some())
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
        let seen = watched(&stage, &work, |stage| {
            the_network_lets_through(stage);
            somebody_answers(stage);
            ends(stage)
        })
        .await;
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
        somebody_answers(&stage);
        // Once while the other daemon comes up, once when the callers have been told of it.
        if (added == 0 && now.back[1].is_some()) || (added == 1 && now.shown.1) {
            added += 1;
            add_version(
                &stage,
                found_secret(&stage, INNER).rsplit('/').next().unwrap_or_default(),
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

/// A turn of the key of plugins that has got so far that another plugin daemon comes up, or that the callers know it.
async fn in_the_middle(stage: &Stage, work: &Work, is_told: bool) {
    order(stage, INNER).await;
    for _ in 0..200 {
        let outcome = stage.once(work).await;
        let now = ends(stage);
        if if is_told { now.shown.1 } else { now.back[1].is_some() } {
            return;
        }
        let Outcome::Pending(pause) = outcome else { panic!("{outcome:?}: {:#?}", stage.status(work).await) };
        stage.clock.advance(pause);
    }
    panic!("it never gets there: {:#?}", stage.status(work).await.plan)
}

/// Works until it has converged, and looks after each round whether anybody would be refused.
async fn to_the_end(stage: &Stage, work: &Work) {
    let seen = watched(stage, work, |stage| {
        nobody_is_refused(&ends(stage));
        the_network_lets_through(stage);
        somebody_answers(stage);
    });
    assert_eq!(seen.await.len(), 1);
    assert_eq!(ends(stage).api, [Some("2".to_owned()), None]);
    assert_eq!(ends(stage).back.iter().flatten().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_in_the_middle_of_a_turn_is_rolled_out_and_the_turn_goes_on() {
    let (stage, work) = standing("application_version: 1.17.0\n").await;
    later(&stage, 1);
    in_the_middle(&stage, &work, false).await;
    let work = stage.save("prod.yaml", &spec("application_version: 1.17.1\n")).await;
    to_the_end(&stage, &work).await;
    assert!(stage.image("Deployment", "").contains("dify-api"));
    let migrated = stage
        .kubernetes
        .list("Job", "")
        .iter()
        .any(|job| job["metadata"]["name"].as_str().is_some_and(|name| name.contains("-migrate-1-17-1")));
    assert!(migrated, "the new release is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_in_the_middle_of_a_turn_waits_for_no_server_that_is_let_be() {
    let (stage, work) = standing("").await;
    later(&stage, 3);
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let slot = crate::backup_due::backups(&stage).pop().expect("a backup");
    in_the_middle(&stage, &work, true).await;
    crate::backup_due::order(&stage, "restore", &slot).await;
    to_the_end(&stage, &work).await;
    let restored =
        stage.google.paths("storage/b/").into_iter().any(|path| path.contains("/o/prod/restores/"));
    assert!(restored, "it was restored");
    let daemon = stage.object("Deployment", "-plugin-daemon-b").expect("it is there");
    assert_eq!(daemon["spec"]["replicas"], 1, "it runs again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_token_that_is_replaced_in_the_middle_of_another_turn_waits_for_it_and_ends() {
    let (stage, work) = standing("agent_backend: {enabled: true}\n").await;
    later(&stage, 1);
    for (first, second) in [(DAEMON, "agent-api-token"), ("agent-sandbox-token", DAEMON)] {
        order(&stage, first).await;
        let mut added = false;
        let mut going = work.clone();
        for _ in 0..500 {
            let outcome = stage.once(&going).await;
            nobody_is_refused(&ends(&stage));
            if !added && stage.object("Deployment", "-agent-backend-b").is_some() {
                let secret = found_secret(&stage, second);
                let name = secret.rsplit('/').next().unwrap_or_default();
                add_version(&stage, name, &format!("AddedByHandTo{second}")).await;
                added = true;
            }
            match outcome {
                Outcome::Pending(pause) => stage.clock.advance(pause),
                Outcome::HandedOver => going.slices.clear(),
                Outcome::Converged => break,
                other => panic!("{other:?}: {:#?}", stage.status(&work).await),
            }
        }
        assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.plan);
        assert!(added);
        for secret in [first, second] {
            let all = versions(&stage, secret);
            let enabled = all.iter().filter(|version| version.ends_with(" ENABLED")).count();
            assert_eq!(enabled, 1, "{secret}: {all:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_came_up_goes_when_another_key_is_added() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    stage.kubernetes.faults().never_available(&format!("{}-plugin-daemon-b", stage.namespace()));
    order(&stage, DAEMON).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    stage.kubernetes.faults().clear();
    let secret = found_secret(&stage, DAEMON);
    add_version(&stage, secret.rsplit('/').next().unwrap_or_default(), "AddedByHand").await;
    let seen = watched(&stage, &work, |stage| nobody_is_refused(&ends(stage))).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(ends(&stage).shown, (Some("3".to_owned()), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_user_gave_and_takes_back_is_replaced_by_ours() {
    let (stage, _) = standing("explicit_secret_values: {PLUGIN_DAEMON_KEY: OfTheUsersOwn}\n").await;
    later(&stage, 1);
    let work = stage.save("prod.yaml", &spec("")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.plan);
    let now = ends(&stage);
    assert_eq!(now.shown.0.as_deref(), Some("1"), "{now:#?}");
    nobody_is_refused(&now);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_a_daemon_whose_key_no_api_takes() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    stage.kubernetes.faults().never_available(&format!("{}-inner-api", stage.namespace()));
    order(&stage, INNER).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    later(&stage, 1);
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let now = ends(&stage);
    assert_eq!((now.shown.1, now.api[0].as_deref()), (false, Some("1")), "{now:#?}");
    nobody_is_refused(&now);
    assert!(stage.object("Deployment", "-plugin-daemon").is_some(), "the old one serves");
}
