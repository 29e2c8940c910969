//! What is there before the reconciler comes: the project, the shared network, the cluster, images.

use serde_json::{Value, json};

use super::apis::{
    attestation, certificate_manager, delivery, registry, resource_manager, service_networking,
    service_usage, storage,
};
use super::call::Call;
use super::cloud::Cloud;
use super::context::Cx;
use super::operation::COMPUTE_LINK;
use super::server::Server;
use super::store::stable_number;

/// Region of everything that is seeded.
pub const REGION: &str = "us-central1";
/// The shared network's name.
pub const NETWORK: &str = "vpc-network-shared";
/// The shared subnet's name.
pub const SUBNET: &str = "vpc-network-shared-subnet";

/// The name of the seeded cluster.
pub const CLUSTER: &str = "gke-autopilot-shared";

/// APIs a project has before anybody enables one here: what the reconciler itself runs on.
const ENABLED: [&str; 12] = [
    "cloudresourcemanager.googleapis.com",
    "cloudtasks.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "eventarc.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "serviceusage.googleapis.com",
    "storage-api.googleapis.com",
    "storage.googleapis.com",
];

/// A GKE cluster to be found by the reconciler.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The cluster's name.
    pub name: String,
    /// Its region.
    pub location: String,
    /// Where its API is: a host, or the URL of the embedded Kubernetes server.
    pub endpoint: String,
    /// Whether nodes are Autopilot's.
    pub autopilot: bool,
}

impl Cluster {
    /// The Autopilot cluster that a seeded project has, in the seeded region.
    pub fn autopilot(endpoint: impl Into<String>) -> Self {
        Self { name: CLUSTER.into(), location: REGION.into(), endpoint: endpoint.into(), autopilot: true }
    }
}

impl Server {
    /// The shared network with its services peering, a running Autopilot cluster, zones. Nothing that is
    /// there already is touched.
    pub fn seed_defaults(&self) {
        self.cloud.with(&Call::default(), |cx| {
            network(cx);
            if cx.world.below("container/").next().is_none() {
                cluster(cx, &Cluster::autopilot("https://127.0.0.1:6443"));
            }
        });
    }

    /// Makes a cluster, or replaces one of the same name.
    pub fn seed_cluster(&self, wanted: Cluster) {
        self.cloud.with(&Call::default(), |cx| cluster(cx, &wanted));
    }

    /// Makes an image's tag; answers its digest, which follows from name and tag.
    pub fn seed_image(&self, name: &str, tag: &str) -> String {
        self.cloud.with(&Call::default(), |cx| registry::seed(cx, name, tag))
    }

    /// Somebody pushes other content under a tag; answers its digest, which follows from name and content.
    pub fn push_image(&self, name: &str, tag: &str, content: &str) -> String {
        self.cloud.with(&Call::default(), |cx| registry::push_tag(cx, name, tag, content))
    }

    /// Spoils a blob of an image: what is answered under its digest is something else. Says whether there is one.
    pub fn spoil_blob(&self, name: &str, digest: &str) -> bool {
        self.cloud.with(&Call::default(), |cx| registry::spoil(cx, name, digest))
    }

    /// Puts a build of Cloud Build, or replaces it; its name is in it.
    pub fn seed_build(&self, build: Value) {
        self.put_named(delivery::BUILD, build);
    }

    /// Puts a pipeline, release or rollout of Cloud Deploy, or replaces it; its name is in it.
    pub fn seed_delivery(&self, resource: Value) {
        self.put_named(delivery::DEPLOY, resource);
    }

    /// Makes an attestor (`projects/P/attestors/A`) that trusts one key, and its note.
    pub fn seed_attestor(&self, name: &str, key: &str) {
        let note = name.replace("/attestors/", "/notes/");
        self.put_named(attestation::ANALYSIS, json!({"name": note, "kind": "ATTESTATION"}));
        let keys =
            json!([{"id": key, "pkixPublicKey": {"signatureAlgorithm": "RSA_SIGN_PKCS1_2048_SHA256"}}]);
        let of_note = json!({"noteReference": note, "publicKeys": keys});
        self.put_named(attestation::POLICY, json!({"name": name, "userOwnedGrafeasNote": of_note}));
    }

    /// Somebody attests an image (`https://HOST/REPOSITORY@DIGEST`) for an attestor with a key, which may be another one
    /// than the attestor's.
    pub fn attest(&self, attestor: &str, uri: &str, key: &str) {
        let note = attestor.replace("/attestors/", "/notes/");
        let project = attestor.split('/').nth(1).unwrap_or_default().to_owned();
        let body =
            json!({"noteName": note, "resourceUri": uri, "attestation": attestation::attestation(uri, key)});
        self.cloud.with(&Call::default(), |cx| attestation::occur(cx, &project, body).is_ok());
    }

    fn put_named(&self, service: &str, body: Value) {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        self.cloud.with(&Call::default(), |cx| cx.world.put(format!("{service}/{name}"), body));
    }

    /// Enables APIs at once.
    pub fn enable_apis(&self, names: &[&str]) {
        self.cloud.with(&Call::default(), |cx| service_usage::seed(cx, names));
    }

    /// Makes a topic, as the platform's installer would have.
    pub fn seed_topic(&self, name: &str) {
        self.cloud.with(&Call::default(), |cx| cx.world.put(format!("pubsub/{name}"), json!({"name": name})));
    }

    /// Makes a queue with the service's defaults.
    pub fn seed_queue(&self, name: &str, most_at_once: u32) {
        let queue = json!({
            "name": name, "state": "RUNNING",
            "rateLimits": {"maxDispatchesPerSecond": 500, "maxConcurrentDispatches": most_at_once},
            "retryConfig": {"maxAttempts": 100, "minBackoff": "10s", "maxBackoff": "600s",
                            "maxDoublings": 16},
        });
        self.cloud.with(&Call::default(), |cx| cx.world.put(format!("cloudtasks/{name}"), queue));
    }

    /// From now on a domain name points at this cloud, so that managed certificates for it are issued.
    pub fn point_dns(&self, domain: &str) {
        self.cloud.with(&Call::default(), |cx| {
            certificate_manager::point_dns(cx.world, domain, cx.now, &cx.site.delays);
        });
    }
}

/// The project itself, its first APIs, and the buckets that are directories.
pub fn project(cloud: &Cloud) {
    cloud.with(&Call::default(), |cx| {
        let key = resource_manager::key(&cx.site.project);
        if cx.world.get(&key).is_none() {
            let (id, number) = (cx.site.project.clone(), cx.site.number.clone());
            cx.world.put(
                key.clone(),
                json!({"name": format!("projects/{number}"), "projectId": id, "displayName": id,
                       "state": "ACTIVE",
                       "createTime": "2024-01-01T00:00:00Z", "etag": "W/\"1\""}),
            );
            let agent =
                format!("serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com");
            let bindings = json!([
                {"role": "roles/container.serviceAgent", "members": [agent]},
                {"role": "roles/owner", "members": ["user:owner@example.com"]},
            ]);
            let etag = cx.world.next_etag();
            cx.world.put(format!("{key}#iam"), json!({"version": 1, "etag": etag, "bindings": bindings}));
            service_usage::seed(cx, &ENABLED);
        }
        let buckets: Vec<String> = cx.site.directories.keys().cloned().collect();
        for bucket in buckets {
            if cx.world.get(&storage::buckets::key(&bucket)).is_none() {
                storage::buckets::create(cx, &bucket, json!({"location": REGION}));
            }
        }
    });
}

fn compute(cx: &mut Cx, path: &str, kind: &str, mut document: Value) {
    let key = format!("compute/{path}");
    if cx.world.get(&key).is_some() {
        return;
    }
    document["kind"] = json!(format!("compute#{kind}"));
    document["id"] = json!(stable_number(path));
    document["name"] = json!(path.rsplit('/').next().unwrap_or_default());
    document["selfLink"] = json!(format!("{COMPUTE_LINK}/{path}"));
    document["creationTimestamp"] = json!("2024-01-01T00:00:00.000-08:00");
    cx.world.put(key, document);
}

fn network(cx: &mut Cx) {
    let root = format!("projects/{}", cx.site.project);
    let link = format!("{COMPUTE_LINK}/{root}");
    let managed = "managed-by=services-gcp";
    let tenant = format!("{COMPUTE_LINK}/projects/tenant/global/networks/servicenetworking");
    compute(
        cx,
        &format!("{root}/global/networks/{NETWORK}"),
        "network",
        json!({
            "description": managed, "autoCreateSubnetworks": false, "mtu": 1460,
            "routingConfig": {"routingMode": "GLOBAL"},
            "subnetworks": [format!("{link}/regions/{REGION}/subnetworks/{SUBNET}")],
            "peerings": [{"name": "servicenetworking-googleapis-com", "state": "ACTIVE",
                          "network": tenant}],
        }),
    );
    compute(
        cx,
        &format!("{root}/regions/{REGION}/subnetworks/{SUBNET}"),
        "subnetwork",
        json!({
            "description": managed, "network": format!("{link}/global/networks/{NETWORK}"),
            "ipCidrRange": "10.0.0.0/20", "gatewayAddress": "10.0.0.1", "purpose": "PRIVATE",
            "region": format!("{link}/regions/{REGION}"), "privateIpGoogleAccess": true,
            "stackType": "IPV4_ONLY",
            "fingerprint": "AAAAAAAAAAA=",
            "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"},
                                  {"rangeName": "services", "ipCidrRange": "10.8.0.0/20"}],
        }),
    );
    let range = "vpc-network-shared-services";
    compute(
        cx,
        &format!("{root}/global/addresses/{range}"),
        "address",
        json!({"purpose": "VPC_PEERING", "addressType": "INTERNAL", "address": "10.100.0.0",
               "prefixLength": 16,
               "status": "RESERVED", "description": managed, "labelFingerprint": "AAAAAAAAAAA=",
               "network": format!("{link}/global/networks/{NETWORK}")}),
    );
    if !service_networking::connected(cx, NETWORK) {
        let connection = service_networking::connection(&cx.site.number, NETWORK, &json!([range]));
        cx.world.put(service_networking::key(NETWORK), connection);
        service_usage::seed(cx, &["servicenetworking.googleapis.com"]);
    }
    compute(cx, &format!("{root}/regions/{REGION}"), "region", json!({"status": "UP"}));
    for letter in ["a", "b", "c", "f"] {
        let zone = json!({"status": "UP", "region": format!("{link}/regions/{REGION}")});
        compute(cx, &format!("{root}/zones/{REGION}-{letter}"), "zone", zone);
    }
}

fn cluster(cx: &mut Cx, wanted: &Cluster) {
    let Cluster { name, location, endpoint, autopilot } = wanted;
    let project = cx.site.project.clone();
    let path = format!("projects/{project}/locations/{location}/clusters/{name}");
    let etag = cx.world.next_etag();
    let host = endpoint.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let zones: Vec<String> = ["a", "b", "c"].iter().map(|letter| format!("{location}-{letter}")).collect();
    let document = json!({
        "name": name, "location": location, "locations": zones, "status": "RUNNING", "etag": etag,
        "id": format!("{:x}", stable_number(&path).parse::<u64>().unwrap_or_default()),
        "selfLink": format!("https://container.googleapis.com/v1/{path}"),
        "description": "managed-by=services-gcp", "resourceLabels": {"managed-by": "services-gcp"},
        "autopilot": {"enabled": autopilot},
        "network": NETWORK, "subnetwork": SUBNET, "clusterIpv4Cidr": "10.4.0.0/14",
        "servicesIpv4Cidr": "10.8.0.0/20",
        "currentMasterVersion": "1.33.5-gke.1000000", "initialClusterVersion": "1.33.5-gke.1000000",
        "releaseChannel": {"channel": "REGULAR"}, "createTime": "2024-01-01T00:00:00+00:00",
        "endpoint": host,
        "masterAuth": {},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"endpoint": endpoint, "allowExternalTraffic": true},
            "ipEndpointsConfig": {"enabled": true, "enablePublicEndpoint": true, "publicEndpoint": host,
                                  "privateEndpoint": "10.0.0.2"},
        },
        "privateClusterConfig": {"enablePrivateNodes": true, "privateEndpoint": "10.0.0.2",
                                 "publicEndpoint": host},
        "workloadIdentityConfig": {"workloadPool": format!("{project}.svc.id.goog")},
        "addonsConfig": {
            "httpLoadBalancing": {"disabled": false}, "horizontalPodAutoscaling": {"disabled": false},
            "gcePersistentDiskCsiDriverConfig": {"enabled": true},
            "gcpFilestoreCsiDriverConfig": {"enabled": true},
            "gcsFuseCsiDriverConfig": {"enabled": true}, "dnsCacheConfig": {"enabled": true},
        },
        "secretManagerConfig": {"enabled": true}, "secretSyncConfig": {"enabled": false},
        "networkConfig": {
            "network": format!("projects/{project}/global/networks/{NETWORK}"),
            "subnetwork": format!("projects/{project}/regions/{location}/subnetworks/{SUBNET}"),
            "datapathProvider": "ADVANCED_DATAPATH", "gatewayApiConfig": {"channel": "CHANNEL_STANDARD"},
        },
        "ipAllocationPolicy": {"useIpAliases": true, "clusterSecondaryRangeName": "pods",
                               "servicesSecondaryRangeName": "services",
                               "clusterIpv4CidrBlock": "10.4.0.0/14",
                               "servicesIpv4CidrBlock": "10.8.0.0/20"},
        "verticalPodAutoscaling": {"enabled": true},
        "binaryAuthorization": {"evaluationMode": "DISABLED"},
        "nodePoolAutoConfig": {"networkTags": {"tags": []}},
    });
    cx.world.put(format!("container/{path}"), document);
}
