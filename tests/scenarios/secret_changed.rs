//! A secret of the user's with a new version rolls what uses it, and our own writes set nothing in motion.

use dify_reconciler::converge::Outcome;

use crate::harness::Stage;
use crate::rotating::{add_version, configuration, later, make_secret, spec, standing, told};

async fn with_a_secret_of_the_users() -> (Stage, dify_reconciler::converge::Work) {
    // The secret is made where Secret Manager is in use already.
    let (stage, _) = standing("").await;
    make_secret(&stage, "team-smtp", "first").await;
    let spec = spec("secret_environment_variables: {SMTP_PASSWORD: team-smtp}\n");
    let work = stage.save("prod.yaml", &spec).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    (stage, work)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_rolls_what_uses_it_and_nothing_else() {
    let (stage, work) = with_a_secret_of_the_users().await;
    let before = [configuration(&stage, ""), configuration(&stage, "-worker"), configuration(&stage, "-web")];
    later(&stage, 1);
    add_version(&stage, "team-smtp", "second").await;
    let mark = stage.mark();
    let message = told(&stage, "SECRET_VERSION_ADD", "team-smtp").expect("it sets something in motion");
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_ne!(configuration(&stage, ""), before[0]);
    assert_ne!(configuration(&stage, "-worker"), before[1]);
    assert_eq!(configuration(&stage, "-web"), before[2], "the web front end has no secrets");
    let writes = stage.writes_since(mark);
    assert!(writes.iter().all(|write| write.contains("/namespaces/")), "only the cluster: {writes:#?}");

    let mark = stage.mark();
    assert_eq!(stage.settle(&message).await, Outcome::Converged, "the message comes again");
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_write_to_a_secret_ourselves_sets_nothing_in_motion() {
    let (stage, _) = with_a_secret_of_the_users().await;
    assert!(told(&stage, "SECRET_UPDATE", "smtp").is_none());
    assert!(told(&stage, "TOPIC_CONFIGURED", "smtp").is_none());
}
