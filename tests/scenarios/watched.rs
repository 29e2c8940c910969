//! Rules that only the running world can decide are findings of their own, in status and plan, while they hold.

use dify_reconciler::condition::{Finding, Severity};
use dify_reconciler::converge::execute::Memory;
use dify_reconciler::converge::{Admission, Outcome, Work, scene};
use serde_json::json;

use crate::harness::{MINIMAL, Stage};

/// What a rule found, as the status and the plan both tell it.
async fn found(stage: &Stage, work: &Work, rule: &str) -> Option<Finding> {
    let Ok(Admission::Admitted(scene)) = scene::admit(&stage.converger, work).await else {
        panic!("the spec is not admitted")
    };
    let (_, plan) = stage.converger.look(&scene, &mut Memory::default()).await;
    let of_rule = |findings: Vec<Finding>| {
        findings.into_iter().find(|finding| finding.message.ends_with(&format!("[{rule}]")))
    };
    let (told, planned) = (of_rule(stage.status(work).await.findings), of_rule(plan.findings));
    assert_eq!(told, planned, "status and plan tell the same");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_is_named_until_it_is_there() {
    let stage = Stage::instant().await;
    let text = format!("{MINIMAL}secret_environment_variables: {{MAIL_KEY: mail-key}}\n");
    let work = stage.save("prod.yaml", &text).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let finding = found(&stage, &work, "P-59").await.expect("the rule holds");
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.message.contains("mail-key") && finding.help.contains("gcloud secrets versions add"));

    let secret = "secretmanager/projects/123456789012/secrets/mail-key";
    stage.google.put(secret, json!({"name": "projects/123456789012/secrets/mail-key"}));
    let version = json!({"name": "projects/123456789012/secrets/mail-key/versions/1", "state": "ENABLED",
                         "_payload": "bWFpbA=="});
    stage.google.put(&format!("{secret}/versions/1"), version);
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(found(&stage, &work, "P-59").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_does_not_exist_stalls_at_once_and_says_which() {
    let stage = Stage::instant().await;
    let work = stage.save("prod.yaml", &format!("{MINIMAL}network_name: elsewhere\n")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let finding = found(&stage, &work, "V-35").await.expect("the rule holds");
    assert!(finding.message.contains("elsewhere"), "{}", finding.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_named_with_where_it_has_to_point_until_its_certificate_is_there() {
    let stage = Stage::instant().await;
    let domain = "enable_custom_domain: true\napplication_domains: [dify.example.com]\n";
    let work = stage.save("prod.yaml", &format!("{MINIMAL}{domain}")).await;
    let mut outcome = stage.once(&work).await;
    for _ in 0..20 {
        if found(&stage, &work, "P-52").await.is_some() {
            break;
        }
        let Outcome::Pending(pause) = outcome else { panic!("{outcome:?}") };
        stage.clock.advance(pause);
        outcome = stage.once(&work).await;
    }
    let finding = found(&stage, &work, "P-52").await.expect("the rule holds");
    assert_eq!(finding.severity, Severity::Warning);
    let address = stage.status(&work).await.outputs["service_external_ip"].clone();
    assert!(finding.help.contains(address.as_str().expect("an address")), "{}: {address}", finding.help);

    stage.google.point_dns("dify.example.com");
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(found(&stage, &work, "P-52").await, None);
}
