//! Cloud SQL: slow births, one thing at a time, names that stay taken.

use serde_json::json;

use super::*;

fn base() -> String {
    format!("sqladmin.googleapis.com/v1/projects/{PROJECT}")
}

fn wanted() -> Value {
    let network = format!("projects/{PROJECT}/global/networks/vpc-network-shared");
    json!({"name": "db-1", "region": "us-central1", "databaseVersion": "POSTGRES_16",
           "settings": {"tier": "db-f1-micro", "databaseFlags": [{"name": "max_connections", "value": "50"}],
                        "ipConfiguration": {"ipv4Enabled": false, "privateNetwork": network}}})
}

async fn done(world: &World, operation: &Value) -> Value {
    world.get(&format!("{}/operations/{}", base(), operation["name"].as_str().expect("a name"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_takes_ten_minutes_and_then_has_an_address() {
    let world = with(|_| {});
    let operation = world.post(&format!("{}/instances", base()), wanted()).await;
    assert_eq!(
        (operation["kind"].as_str(), operation["status"].as_str()),
        (Some("sql#operation"), Some("PENDING"))
    );
    let young = world.get(&format!("{}/instances/db-1", base())).await;
    assert_eq!(young["state"], "PENDING_CREATE");
    let early =
        world.call("POST", &format!("{}/instances/db-1/users", base()), Some(json!({"name": "u"}))).await;
    assert_eq!(early.0, 400);
    let busy =
        world.call("PATCH", &format!("{}/instances/db-1", base()), Some(json!({"settings": {}}))).await;
    assert_eq!((busy.0, reason(&busy.1)), (409, "operationInProgress"));
    world.advance(599);
    assert_eq!(done(&world, &operation).await["status"], "PENDING");
    world.advance(1);
    assert_eq!(done(&world, &operation).await["status"], "DONE");
    let ready = world.get(&format!("{}/instances/db-1", base())).await;
    assert_eq!(ready["state"], "RUNNABLE");
    assert_eq!(ready["connectionName"], "tenant-1:us-central1:db-1");
    assert_eq!(ready["ipAddresses"][0]["type"], "PRIVATE");
    assert!(ready["serviceAccountEmailAddress"].as_str().expect("an account").contains("gcp-sa-cloud-sql"));
    let list = world.get(&format!("{}/operations?instance=db-1", base())).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_have_a_version_and_lists_are_replaced_whole() {
    let world = world();
    world.post(&format!("{}/instances", base()), wanted()).await;
    let instance = format!("{}/instances/db-1", base());
    let flags = json!({"settings": {"databaseFlags": [{"name": "work_mem", "value": "8"}]}});
    assert_eq!(world.call("PATCH", &instance, Some(flags.clone())).await.0, 200);
    let now = world.get(&instance).await;
    assert_eq!(now["settings"]["databaseFlags"], flags["settings"]["databaseFlags"]);
    assert_eq!(
        (&now["settings"]["tier"], &now["settings"]["settingsVersion"]),
        (&json!("db-f1-micro"), &json!("2"))
    );
    let mut stale = now.clone();
    stale["settings"]["settingsVersion"] = json!("1");
    assert_eq!(world.call("PUT", &instance, Some(stale)).await.0, 412);
    assert_eq!(world.call("PUT", &instance, Some(now)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_databases_come_one_at_a_time_and_keep_their_secrets() {
    let world = with(|options| {
        options.delays = Delays { sql_small: Duration::from_secs(5), ..Delays::none() };
    });
    world.post(&format!("{}/instances", base()), wanted()).await;
    let instance = format!("{}/instances/db-1", base());
    world.post(&format!("{instance}/databases"), json!({"name": "dify"})).await;
    let user = json!({"name": "app", "password": "hunter2"});
    let busy = world.call("POST", &format!("{instance}/users"), Some(user.clone())).await;
    assert_eq!((busy.0, reason(&busy.1)), (409, "operationInProgress"));
    world.advance(5);
    let made = world.post(&format!("{instance}/users"), user.clone()).await;
    world.advance(5);
    assert_eq!(done(&world, &made).await["status"], "DONE");
    let (status, text) = world.text("GET", &format!("{instance}/users/app"), None).await;
    assert!(status == 200 && !text.contains("hunter2") && !text.contains("password"), "{text}");
    assert_eq!(world.call("POST", &format!("{instance}/users"), Some(user)).await.0, 409);
    let change = Some(json!({"password": "other"}));
    assert_eq!(world.call("PUT", &format!("{instance}/users?name=app"), change).await.0, 200);
    world.advance(5);
    assert_eq!(world.get(&format!("{instance}/databases/dify")).await["charset"], "UTF8");
    assert_eq!(world.call("GET", &format!("{instance}/databases/none"), None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_name_stays_taken_for_a_week() {
    let world = world();
    world.post(&format!("{}/instances", base()), wanted()).await;
    assert_eq!(world.call("DELETE", &format!("{}/instances/db-1", base()), None).await.0, 200);
    assert_eq!(world.call("GET", &format!("{}/instances/db-1", base()), None).await.0, 404);
    let taken = world.call("POST", &format!("{}/instances", base()), Some(wanted())).await;
    assert_eq!((taken.0, reason(&taken.1)), (409, "instanceAlreadyExists"));
    assert!(
        taken.1["error"]["message"].as_str().expect("text").contains("until one week from the deletion date")
    );
    world.advance(7 * 24 * 3600);
    assert_eq!(world.call("POST", &format!("{}/instances", base()), Some(wanted())).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_can_end_in_an_error() {
    let world = world();
    world.server.fail_operation("instances/db-1", "INTERNAL_ERROR", "no capacity");
    let operation = world.post(&format!("{}/instances", base()), wanted()).await;
    let ended = done(&world, &operation).await;
    assert_eq!(ended["error"]["errors"][0]["code"], "INTERNAL_ERROR");
    assert_eq!(world.get(&format!("{}/instances/db-1", base())).await["state"], "FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_needs_the_peering() {
    let world = world();
    world.server.remove("servicenetworking/connections");
    let (status, body) = world.call("POST", &format!("{}/instances", base()), Some(wanted())).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().expect("text").contains("SERVICE_NETWORKING_NOT_ENABLED"));
    let connections =
        "servicenetworking.googleapis.com/v1/services/servicenetworking.googleapis.com/connections";
    let network = format!("projects/{PROJECT}/global/networks/vpc-network-shared");
    let body = json!({"network": network, "reservedPeeringRanges": ["vpc-network-shared-services"]});
    let operation = world.post(connections, body.clone()).await;
    let name = operation["name"].as_str().expect("a name");
    assert_eq!(world.get(&format!("servicenetworking.googleapis.com/v1/{name}")).await["done"], true);
    assert_eq!(world.call("POST", connections, Some(body)).await.0, 400);
    assert_eq!(world.call("POST", &format!("{}/instances", base()), Some(wanted())).await.0, 200);
}
