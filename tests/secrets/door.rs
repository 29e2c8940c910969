//! The door of a service on the stage: what it answers.

use std::net::TcpListener;

use dify_reconciler::cloud::wire;
use dify_reconciler::config::Config;
use dify_reconciler::converge::Work;
use dify_reconciler::http;
use serde_json::json;

use crate::harness::Stage;
use crate::issuer::{Issuer, Token};
use crate::said::Said;

const EVENTS: &str = "events@demo-project.iam.gserviceaccount.com";
const TASKS: &str = "tasks@demo-project.iam.gserviceaccount.com";

/// Rings the bell, does the work and asks for the metrics, as the cloud would; notes every reply.
pub async fn ring(stage: &Stage, work: &Work, said: &mut Said) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let issuer = Issuer::start();
    let config = Config {
        service_url: Some(url.parse().expect("a URL")),
        tasks_service_account: TASKS.into(),
        event_service_accounts: vec![EVENTS.into()],
        jwks_url: Some(issuer.url.parse().expect("a URL")),
        ..stage.config().clone()
    };
    stage.google.seed_queue(&config.queue, 10);
    let app = http::App::new(config, stage.converger.clone()).expect("a door");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve_until(app, listener, async {
        let _ = stopped.await;
    }));
    let client = wire::build_client().expect("a client");
    let event = json!({"message": {"messageId": "1", "attributes": {
        "eventType": "OBJECT_FINALIZE", "bucketId": "specs", "objectId": work.object, "objectGeneration": "7",
    }}, "subscription": "s"});
    let errand = json!({"deployment": work.deployment, "object": work.object, "slices": [], "cause": "test",
                        "continuation": 0});
    for (path, email, body) in [
        ("/events", EVENTS, event.to_string()),
        ("/events", EVENTS, "spoilt".to_owned()),
        ("/tasks", TASKS, errand.to_string()),
        ("/tasks", EVENTS, errand.to_string()),
    ] {
        let token = Token::of(email, &url).header();
        let request = client.post(format!("{url}{path}")).header("authorization", token).body(body);
        let reply = request.send().await.expect("a reply");
        let status = reply.status();
        let (headers, text) = (format!("{:?}", reply.headers()), reply.text().await.expect("a body"));
        said.note(&format!("reply of {path}: {status}"), format!("{headers} {text}"));
    }
    for page in ["/metrics", "/livez", "/readyz"] {
        let reply = client.get(format!("{url}{page}")).send().await.expect("a reply");
        said.note(&format!("reply of {page}"), reply.text().await.expect("a body"));
    }
    assert!(said.has("dify_works_total"), "the work was done at the door");
    said.state(stage).await;
    let _ = stop.send(());
    serving.await.expect("it ends").expect("it ended well");
}
