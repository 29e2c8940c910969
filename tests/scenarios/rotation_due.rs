//! A password that is due is replaced without a failed login, once.

use dify_reconciler::converge::{Outcome, Work};
use serde_json::{Value, json};

use crate::harness::{Pace, Stage};
use crate::rotating::{
    add_version, heard, later, logs_in, order, password, secret_path, serving, spec, standing, told, versions,
};

const TOPIC: &str = "projects/demo-project/topics/rotations";
const AUTO: &str = "enable_auto_password_rotation: true\nsecret_rotation_period: 86400s\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_rotation_is_found_by_the_tick_and_made_whole() {
    let (stage, work) = standing(AUTO).await;
    assert_eq!(serving(&stage), "a");
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "nothing is due yet");

    later(&stage, 25);
    let old = password(&stage);
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
    assert_eq!(serving(&stage), "b");
    assert_eq!(versions(&stage, "db-password-a"), ["1 DISABLED", "2 ENABLED"]);
    assert_eq!(versions(&stage, "db-password-b"), ["1 DISABLED", "2 ENABLED"]);
    assert!(!logs_in(&stage, "a", &old), "the old password is dead");

    let writes = stage.writes_since(mark);
    // Draw, set, switch; replace, set, and the versions that nobody needs.
    let [draw, set, switch, replace, disable] =
        ["db-password-b:addVersion", "/users", "PATCH", "db-password-a:addVersion", ":disable"];
    let telling = |write: &str| {
        [draw, set, switch, replace, disable]
            .into_iter()
            .find(|part| write.contains(part))
            .unwrap_or("another")
    };
    // A backup is due by then, too.
    let google = writes.iter().filter(|write| !write.contains("/namespaces/") && !write.contains("/upload/"));
    let taken: Vec<&str> = google.map(|write| telling(write)).collect();
    assert_eq!(taken, [draw, set, switch, replace, set, disable, disable], "{writes:#?}");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "it is not due a second time");

    let status = stage.status(&work).await;
    let history = format!("{:?}", status.history);
    for said in
        ["/password: (unset) -> version 2 of db-password-b", "dify-reconciler-login", "/versions/1/state"]
    {
        assert!(history.contains(said), "the history tells {said}: {:#?}", status.history);
    }

    later(&stage, 25);
    stage.settle(&work).await;
    assert_eq!(serving(&stage), "a", "the next turn comes back");
    assert_eq!(versions(&stage, "db-password-a").last().map(String::as_str), Some("3 ENABLED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_rotates_once_however_often_it_comes() {
    let (stage, work) = standing("").await;
    later(&stage, 800);
    let message = told(&stage, "SECRET_ROTATE", "db-password-a").expect("it sets something in motion");
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(serving(&stage), "b");

    let mark = stage.mark();
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "the same message again");
    let other = told(&stage, "SECRET_ROTATE", "db-password-b").expect("a second secret's schedule");
    assert_eq!(stage.settle(&other).await, Outcome::Converged);
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert!(
        stage.status(&work).await.history.iter().any(|happened| happened.cause == "SECRET_ROTATE"),
        "the history tells the cause"
    );
}

/// A deployment whose secrets have a schedule of their own.
async fn scheduled() -> (Stage, Work) {
    let mut stage = Stage::instant().await;
    stage.google.seed_topic(TOPIC);
    stage.configure(|config| config.rotation_topic = TOPIC.into());
    let work = stage.converged(&spec(AUTO)).await;
    (stage.copy_at(Pace::Real), work)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_own_schedule_rings_a_rotation_runs_and_our_own_writes_ring_nothing() {
    let (stage, work) = scheduled().await;
    let next = |stage: &Stage| {
        let secret = stage.google.get(&secret_path(stage, "db-password-a")).expect("a secret");
        assert_eq!(secret["topics"], json!([{"name": TOPIC}]));
        assert_eq!(secret["rotation"]["rotationPeriod"], "86400s");
        secret["rotation"]["nextRotationTime"].as_str().expect("a time").to_owned()
    };
    let first = next(&stage);
    let other = stage.google.get(&secret_path(&stage, "plugin-daemon-key")).expect("a secret");
    assert!(other.get("rotation").is_none(), "calls would be refused while it rolls");
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());

    later(&stage, 25);
    let rings = rung(&stage, "SECRET_ROTATE");
    assert_eq!(rings.len(), 2, "of both logins");
    for ring in &rings {
        let work = heard(ring).expect("it sets something in motion");
        assert_eq!(stage.settle(&work).await, Outcome::Converged);
    }
    assert_eq!(serving(&stage), "b", "one rotation, however often it rang");
    assert_eq!(versions(&stage, "db-password-b"), ["1 DISABLED", "2 ENABLED"]);
    let moved = next(&stage);
    assert_ne!(moved, first, "Secret Manager has moved the time");
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "which is no drift");
    assert_eq!(next(&stage), moved);

    let status = stage.status(&work).await;
    let own = ["SECRET_VERSION_ADD", "SECRET_VERSION_DISABLE"].map(|kind| rung(&stage, kind)).concat();
    assert_eq!(own.len(), 6, "the first passwords, the rotation's, and what it disabled");
    for ring in own {
        let hint = heard(&ring).and_then(|work| work.hint).expect("it may concern us");
        assert!(hint.is_own(&status.own_rings), "{hint:?} in {:?}", status.own_rings);
    }
    let secret = secret_path(&stage, "db-password-a");
    add_version(&stage, secret.rsplit('/').next().expect("an id"), "OurOwnPassword1").await;
    let theirs = rung(&stage, "SECRET_VERSION_ADD").pop().and_then(|ring| heard(&ring)).expect("a work");
    assert!(!theirs.hint.clone().is_some_and(|hint| hint.is_own(&status.own_rings)), "a person's is heard");
    assert_eq!(stage.settle(&theirs).await, Outcome::Converged);
    assert_eq!(serving(&stage), "a", "and taken up, because that login is idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_not_wanted_any_more_is_taken_off_the_secrets() {
    let (stage, _) = scheduled().await;
    let work = stage.save("prod.yaml", &spec("")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    let secret = stage.google.get(&secret_path(&stage, "db-password-a")).expect("a secret");
    assert!(secret.get("rotation").is_none(), "{secret:#}");
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    later(&stage, 900);
    assert_eq!(rung(&stage, "SECRET_ROTATE"), Vec::<Value>::new());
}

/// What Secret Manager published of a kind, oldest first.
fn rung(stage: &Stage, kind: &str) -> Vec<Value> {
    let messages = stage.google.messages(TOPIC).into_iter();
    messages.filter(|message| message["attributes"]["eventType"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_rotates_a_password_of_any_age_and_is_answered_once() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    order(&stage, "").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(serving(&stage), "b");
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_does_not_log_in_is_never_served() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    stage
        .kubernetes
        .faults()
        .fail_jobs(&format!("{}-login-trial", stage.namespace()), "authentication failed");
    order(&stage, "").await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(serving(&stage), "a", "the login in use is untouched");
    let findings = stage.status(&work).await.findings;
    assert!(
        findings.iter().any(|finding| finding.message.contains("does not log in")),
        "the user is told: {findings:#?}"
    );
    assert!(
        findings.iter().any(|finding| finding.message.contains("authentication failed")),
        "{findings:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_the_secret_key_is_refused_with_the_reason() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    order(&stage, "SECRET_KEY").await;
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    let findings = stage.status(&work).await.findings;
    let refusal = findings.iter().find(|finding| finding.message.contains("SECRET_KEY")).expect("a refusal");
    assert_eq!(refusal.reason, dify_reconciler::condition::Reason::Immutable);

    let message = told(&stage, "SECRET_ROTATE", "secret-key").expect("it sets a look in motion");
    assert_eq!(stage.settle(&message).await, Outcome::Converged);
    assert_eq!(versions(&stage, "secret-key"), ["1 ENABLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_somebody_adds_for_the_idle_login_is_set_tried_and_taken_up() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    let secret = crate::rotating::secret_path(&stage, "db-password-b");
    add_version(&stage, secret.rsplit('/').next().expect("an id"), "OurOwnPassword1").await;
    let message = told(&stage, "SECRET_VERSION_ADD", "db-password-b").expect("it sets something in motion");
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(serving(&stage), "b");
    assert_eq!(versions(&stage, "db-password-a"), ["1 DISABLED", "2 ENABLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_somebody_adds_for_the_login_in_use_breaks_nothing() {
    let (stage, work) = standing("").await;
    later(&stage, 1);
    let secret = crate::rotating::secret_path(&stage, "db-password-a");
    add_version(&stage, secret.rsplit('/').next().expect("an id"), "OurOwnPassword1").await;
    let message = told(&stage, "SECRET_VERSION_ADD", "db-password-a").expect("it sets something in motion");
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(serving(&stage), "a", "with the password that its role has");
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.message.contains("is not used")), "{findings:#?}");
}
