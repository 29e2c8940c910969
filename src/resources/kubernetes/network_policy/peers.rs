//! The two ends of a connection, as NetworkPolicies name them.

use core::net::IpAddr;
use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::resources::facts;

use super::super::scope::Scope;
use super::super::waits::Waits;
use super::super::{database, gateway, network, stamp};

/// Stands for every pod of the deployment in the name of the policy that denies by default.
pub const EVERYTHING: &str = "default-deny";

/// Port of the Cloud SQL instance to which the Auth Proxy connects.
const SQL_PROXY_PORT: u16 = 3307;

/// Ports of NFS 4 and, for older clients, of the port mapper.
const NFS_PORTS: [u16; 2] = [2049, 111];

/// Makes rules for one deployment.
pub struct Peers<'s, 'a> {
    scope: &'s Scope<'a>,
}

impl<'s, 'a> Peers<'s, 'a> {
    /// Rules for a deployment.
    pub fn new(scope: &'s Scope<'a>) -> Self {
        Self { scope }
    }

    /// To components of the deployment.
    pub fn to(&self, components: &[&str], ports: &[u16]) -> NetworkPolicyEgressRule {
        egress(components.iter().map(|component| self.pods(component)).collect(), tcp(ports))
    }

    /// From components of the deployment.
    pub fn from(&self, components: &[&str], ports: &[u16]) -> NetworkPolicyIngressRule {
        ingress(components.iter().map(|component| self.pods(component)).collect(), ports)
    }

    /// From every pod of the deployment.
    pub fn any_pod(&self, ports: &[u16]) -> NetworkPolicyIngressRule {
        let mut labels = stamp::selector_labels(self.scope.names(), EVERYTHING);
        labels.remove("component");
        ingress(vec![selected(labels)], ports)
    }

    /// From where users come: the load balancer, or for a `ClusterIP` every pod of the cluster.
    pub fn outside(&self, ports: &[u16]) -> NetworkPolicyIngressRule {
        if gateway::is_wanted(self.scope) {
            return ingress(network::LOAD_BALANCERS.iter().map(|range| block(range, &[])).collect(), ports);
        }
        let any =
            NetworkPolicyPeer { namespace_selector: Some(LabelSelector::default()), ..Default::default() };
        ingress(vec![any], ports)
    }

    /// From everywhere.
    pub fn anywhere(&self, ports: &[u16]) -> NetworkPolicyIngressRule {
        ingress(vec![block("0.0.0.0/0", &[])], ports)
    }

    /// To name servers: the cluster's, the cache on the node, Cloud DNS.
    pub fn to_names(&self) -> NetworkPolicyEgressRule {
        let system = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "kube-system".to_owned())]);
        let system = LabelSelector { match_labels: Some(system), ..Default::default() };
        let mut peers = vec![NetworkPolicyPeer { namespace_selector: Some(system), ..Default::default() }];
        peers.extend(network::NAME_SERVERS.iter().map(|server| block(server, &[])));
        egress(peers, vec![port("UDP", 53), port("TCP", 53)])
    }

    /// To the Cloud SQL instance: the proxy's port and PostgreSQL's own. Both, so that pods of the old
    /// sort keep their connection while the spec goes from one to the other.
    pub fn to_sql(&self, waits: &mut Waits) -> NetworkPolicyEgressRule {
        let address = waits.take(facts::sql_private_ip(self.scope.context));
        egress(vec![block(&single(&address), &[])], tcp(&[SQL_PROXY_PORT, database::PORT]))
    }

    /// To Redis. A host name has no address that could be named here, so then only the port is limited.
    pub fn to_redis(&self, waits: &mut Waits) -> NetworkPolicyEgressRule {
        let host = waits.take(facts::redis_host(self.scope.context));
        let ports = self.scope.spec().redis_port.parse().map(|port| tcp(&[port])).unwrap_or_default();
        match host.parse::<IpAddr>() {
            Ok(address) => egress(vec![block(&single(&address.to_string()), &[])], ports),
            Err(_) => NetworkPolicyEgressRule { to: None, ports: Some(ports) },
        }
    }

    /// To the NFS server, where there is one.
    pub fn to_nfs(&self, waits: &mut Waits) -> Option<NetworkPolicyEgressRule> {
        self.scope.spec().enable_nfs.then(|| {
            let address = waits.take(facts::nfs_server(self.scope.context));
            egress(vec![block(&single(&address), &[])], tcp(&NFS_PORTS))
        })
    }

    /// To the metadata server, which hands out the pod's identity.
    pub fn to_metadata(&self) -> Vec<NetworkPolicyEgressRule> {
        network::METADATA.iter().map(|(range, port)| egress(vec![block(range, &[])], tcp(&[*port]))).collect()
    }

    /// To public addresses, on these ports or all.
    pub fn to_public(&self, ports: Option<&[u16]>) -> NetworkPolicyEgressRule {
        let any = vec![NetworkPolicyPort { protocol: Some("TCP".into()), ..Default::default() }];
        egress(vec![block("0.0.0.0/0", &network::NOT_PUBLIC)], ports.map_or(any, tcp))
    }

    /// To private addresses that the user lets through.
    pub fn to_allowed(&self, addresses: &[String]) -> Option<NetworkPolicyEgressRule> {
        let ranges: Vec<NetworkPolicyPeer> =
            addresses.iter().map(|address| block(&single(address), &[])).collect();
        (!ranges.is_empty()).then(|| egress(ranges, vec![]))
    }

    /// To everything but what hands out identities.
    pub fn to_anything_but_metadata(&self) -> NetworkPolicyEgressRule {
        egress(vec![block("0.0.0.0/0", &["169.254.0.0/16"])], vec![])
    }

    fn pods(&self, component: &str) -> NetworkPolicyPeer {
        selected(stamp::selector_labels(self.scope.names(), component))
    }
}

fn selected(labels: BTreeMap<String, String>) -> NetworkPolicyPeer {
    let selector = LabelSelector { match_labels: Some(labels), ..Default::default() };
    NetworkPolicyPeer { pod_selector: Some(selector), ..Default::default() }
}

fn block(range: &str, except: &[&str]) -> NetworkPolicyPeer {
    let except: Vec<String> = except.iter().map(|range| (*range).to_owned()).collect();
    let ip_block = IPBlock { cidr: range.to_owned(), except: Some(except).filter(|list| !list.is_empty()) };
    NetworkPolicyPeer { ip_block: Some(ip_block), ..Default::default() }
}

/// An address as a range of one; a range as it is.
fn single(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => format!("{address}/32"),
        Ok(IpAddr::V6(_)) => format!("{address}/128"),
        Err(_) => address.to_owned(),
    }
}

fn tcp(ports: &[u16]) -> Vec<NetworkPolicyPort> {
    ports.iter().map(|number| port("TCP", *number)).collect()
}

fn port(protocol: &str, number: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.into()),
        port: Some(IntOrString::Int(number.into())),
        ..Default::default()
    }
}

fn egress(to: Vec<NetworkPolicyPeer>, ports: Vec<NetworkPolicyPort>) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: Some(to), ports: Some(ports).filter(|ports| !ports.is_empty()) }
}

fn ingress(from: Vec<NetworkPolicyPeer>, ports: &[u16]) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule { from: Some(from), ports: Some(tcp(ports)).filter(|ports| !ports.is_empty()) }
}
