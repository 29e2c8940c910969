//! APIs, the project's policy, service accounts, tokens.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_api_refuses_until_it_is_enabled() {
    let world = with(|_| {});
    world.server.remove(&format!("serviceusage/projects/{NUMBER}/services/sqladmin.googleapis.com"));
    let sql = format!("sqladmin.googleapis.com/v1/projects/{PROJECT}/instances");
    let (status, body) = world.call("GET", &sql, None).await;
    assert_eq!((status, body["error"]["details"][0]["reason"].as_str()), (403, Some("SERVICE_DISABLED")));
    let services = format!("serviceusage.googleapis.com/v1/projects/{PROJECT}/services");
    let ids = json!({"serviceIds": ["sqladmin.googleapis.com"]});
    let operation = world.post(&format!("{services}:batchEnable"), ids.clone()).await;
    assert_eq!(operation["done"], false);
    world.advance(5);
    let name = operation["name"].as_str().expect("a name");
    assert_eq!(world.get(&format!("serviceusage.googleapis.com/v1/{name}")).await["done"], true);
    assert_eq!(world.call("GET", &sql, None).await.0, 200);
    assert_eq!(world.post(&format!("{services}:batchEnable"), ids).await["done"], true);
    let listed = world.get(&format!("{services}?filter=state:ENABLED&pageSize=5")).await;
    assert_eq!(listed["services"].as_array().map(Vec::len), Some(5));
    let many: Vec<String> = (0..21).map(|n| format!("a{n}.googleapis.com")).collect();
    assert_eq!(
        world.call("POST", &format!("{services}:batchEnable"), Some(json!({"serviceIds": many}))).await.0,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_normalised_and_guarded_by_its_etag() {
    let world = world();
    let project = format!("cloudresourcemanager.googleapis.com/v3/projects/{PROJECT}");
    assert_eq!(world.get(&project).await["name"], format!("projects/{NUMBER}"));
    let old = world.post(&format!("{project}:getIamPolicy"), json!({})).await;
    let mut policy = old.clone();
    policy["auditConfigs"] = json!([{"service": "allServices"}]);
    policy["bindings"] = json!([
        {"role": "roles/viewer", "members": ["user:B@x.com", "user:a@x.com"]},
        {"role": "roles/viewer", "members": ["user:a@x.com"]},
        {"role": "roles/editor", "members": []},
    ]);
    let new = world.post(&format!("{project}:setIamPolicy"), json!({"policy": policy})).await;
    assert_eq!(
        new["bindings"],
        json!([{"role": "roles/viewer", "members": ["user:a@x.com", "user:b@x.com"]}])
    );
    assert!(new.get("auditConfigs").is_none(), "only the mask lets them through");
    let stale = world.call("POST", &format!("{project}:setIamPolicy"), Some(json!({"policy": old}))).await;
    assert_eq!((stale.0, stale.1["error"]["status"].as_str()), (409, Some("ABORTED")));
    let ghost = format!("serviceAccount:ghost@{PROJECT}.iam.gserviceaccount.com");
    let policy = json!({"policy": {"bindings": [{"role": "roles/viewer", "members": [ghost]}]}});
    assert_eq!(world.call("POST", &format!("{project}:setIamPolicy"), Some(policy)).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_appears_late_and_leaves_a_trace() {
    let world = with(|options| options.delays.service_account = Duration::from_secs(30));
    let accounts = format!("iam.googleapis.com/v1/projects/{PROJECT}/serviceAccounts");
    let body = json!({"accountId": "dify-app", "serviceAccount": {"displayName": "Dify"}});
    let made = world.post(&accounts, body.clone()).await;
    let email = made["email"].as_str().expect("an email").to_owned();
    assert_eq!(email, format!("dify-app@{PROJECT}.iam.gserviceaccount.com"));
    assert_eq!(world.call("GET", &format!("{accounts}/{email}"), None).await.0, 404);
    assert_eq!(world.call("POST", &accounts, Some(body)).await.0, 409);
    let project = format!("cloudresourcemanager.googleapis.com/v1/projects/{PROJECT}");
    let grant = json!({"policy": {"bindings": [{"role": "roles/cloudsql.client",
                                                "members": [format!("serviceAccount:{email}")]}]}});
    let early = world.call("POST", &format!("{project}:setIamPolicy"), Some(grant.clone())).await;
    assert!(early.0 == 400 && early.1.to_string().contains("does not exist"));
    world.advance(30);
    assert_eq!(world.get(&format!("{accounts}/{email}")).await["displayName"], "Dify");
    world.post(&format!("{project}:setIamPolicy"), grant).await;
    let member = format!("serviceAccount:{PROJECT}.svc.id.goog[dify/dify]");
    let own =
        json!({"policy": {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]}});
    let set = world.post(&format!("{accounts}/{email}:setIamPolicy"), own).await;
    assert_eq!(set["bindings"][0]["members"][0], member);
    assert_eq!(world.call("DELETE", &format!("{accounts}/{email}"), None).await.0, 200);
    let policy = world.post(&format!("{project}:getIamPolicy"), json!({})).await.to_string();
    assert!(policy.contains(&format!("deleted:serviceAccount:{email}?uid=")), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_server_gives_tokens() {
    let world = world();
    let base = "computeMetadata/v1";
    let flavor = [("metadata-flavor", "Google")];
    let token =
        world.raw("GET", &format!("{base}/instance/service-accounts/default/token"), &flavor, b"").await;
    assert_eq!(token.headers()["metadata-flavor"], "Google");
    assert!(token.json::<Value>().await.expect("JSON")["access_token"].is_string());
    let identity = format!("{base}/instance/service-accounts/default/identity?audience=https://x");
    let identity = world.raw("GET", &identity, &flavor, b"").await.text().await.expect("text");
    assert_eq!(identity.split('.').count(), 3);
    let universe = world.raw("GET", &format!("{base}/universe/universe-domain"), &flavor, b"").await;
    assert_eq!(universe.text().await.expect("text"), "googleapis.com");
    assert_eq!(world.raw("GET", &format!("{base}/project/project-id"), &[], b"").await.status(), 403);
}
